// Page.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export default function SettingsPage() {
  const t = useWords().settings;
  return <PageHead title={t.title} />;
}
