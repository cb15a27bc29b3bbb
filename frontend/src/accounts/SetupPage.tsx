// Page.
import { useWords } from '@/words';

export default function SetupPage() {
  const t = useWords().accounts;
  return <h1>{t.signIn}</h1>;
}
