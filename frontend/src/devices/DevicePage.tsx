// Page.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export default function DevicePage() {
  const t = useWords().devices;
  return <PageHead title={t.title} />;
}
