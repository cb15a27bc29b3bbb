// The list of campaigns.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export default function CampaignsPage() {
  const t = useWords().campaigns;
  return <PageHead title={t.title} />;
}
