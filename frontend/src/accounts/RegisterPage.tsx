// Page.
import { useWords } from '@/words';

export default function RegisterPage() {
  const t = useWords().accounts;
  return <h1>{t.signIn}</h1>;
}
