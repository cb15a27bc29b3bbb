// A message's public word with its ticks; and why it is so, or what it waits for, in words.
import { Group } from '@mantine/core';
import { StateBadge } from '@/parts/StateBadge';
import { Ticks } from '@/parts/Ticks';
import { useWords, type Words } from '@/words';

export function StatusCell({ status, state }: { status: string; state: string }) {
  const t = useWords();
  const exact = t.states.message[state] ?? state;
  return (
    <Group gap={6} wrap="nowrap" component="span" display="inline-flex">
      {status === 'sent' && <Ticks state={state} />}
      <StateBadge kind="message" state={status} hint={exact === t.states.message[status] ? null : exact} size="sm" />
    </Group>
  );
}

interface Why {
  status: string;
  reason?: string | null;
  waiting_for?: string | null;
  hold_reason?: string | null;
  error?: string | null;
}

/** The sentence for a message's reason, what holds it or its error; null when there is nothing to say. */
export function whyWords(t: Words, message: Why): string | null {
  const code = message.reason ?? message.hold_reason ?? message.waiting_for ?? null;
  if (code === null && message.status === 'unconfirmed') return t.states.unconfirmedWhy;
  const words = code === null ? null : (t.states.reason[code] ?? code);
  if (message.error && message.status === 'failed') return words === null ? message.error : `${words} (${message.error})`;
  return words;
}
