// Short news at the edge of the page. Never the only place of a fact; errors stay until closed.
import { notifications } from '@mantine/notifications';
import { Check, CircleAlert } from 'lucide-react';
import { toProblem } from '@/api/problem';
import type { Words } from '@/words';
import { problemWords } from './problemWords';

/** "Saved": four seconds, in green. The same words merge. */
export function tell(words: string): void {
  notifications.hide(words);
  notifications.show({ id: words, message: words, color: 'teal', icon: <Check size={18} aria-hidden />, autoClose: 4000 });
}

/** A failed action without a form to show it on. */
export function tellProblem(t: Words, thrown: unknown): void {
  const problem = toProblem(thrown);
  const words = problemWords(t, problem);
  notifications.show({
    id: problem.code,
    title: t.problems.title,
    message: problem.requestId === null ? words : `${words} (${t.problems.requestId} ${problem.requestId})`,
    color: 'red',
    icon: <CircleAlert size={18} aria-hidden />,
    autoClose: false,
  });
}
