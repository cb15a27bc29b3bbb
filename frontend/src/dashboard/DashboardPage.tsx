// Page.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export default function DashboardPage() {
  const t = useWords().dashboard;
  return <PageHead title={t.title} />;
}
