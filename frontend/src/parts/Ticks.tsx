// The ticks of a message as WhatsApp shows them: clock, one, two, two blue; a question mark when nobody can know.
import { Tooltip } from '@mantine/core';
import { Check, CheckCheck, CircleHelp, CircleMinus, CircleX, Clock } from 'lucide-react';
import { useWords } from '@/words';

interface Props {
  /** The exact state of the message. */
  state: string;
  hint?: string | null;
  size?: number;
}

export function Ticks({ state, hint, size = 16 }: Props) {
  const t = useWords().parts.ticks;
  const [word, Icon, color] = look();
  return (
    <Tooltip label={hint ? `${word}. ${hint}` : word}>
      <span role="img" aria-label={word} data-state={state} style={{ display: 'inline-flex', color, verticalAlign: 'middle' }}>
        <Icon size={size} aria-hidden />
      </span>
    </Tooltip>
  );

  function look(): [string, typeof Check, string] {
    const dim = 'var(--mantine-color-dimmed)';
    switch (state) {
      case 'sent':
        return [t.sent, Check, dim];
      case 'delivered':
        return [t.delivered, CheckCheck, dim];
      case 'read':
        return [t.read, CheckCheck, 'var(--hantar-tick-read)'];
      case 'failed':
        return [t.failed, CircleX, 'var(--mantine-color-red-text)'];
      case 'unknown':
      case 'unconfirmed':
        return [t.unconfirmed, CircleHelp, 'var(--mantine-color-orange-text)'];
      case 'skipped':
      case 'cancelled':
      case 'suppressed':
      case 'expired':
        return [t.skipped, CircleMinus, dim];
      default:
        return [t.waiting, Clock, dim];
    }
  }
}
