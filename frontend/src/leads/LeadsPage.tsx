// The list of leads.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export default function LeadsPage() {
  const t = useWords().leads;
  return <PageHead title={t.title} />;
}
