// An instant in the reader's zone; hover or focus gives UTC and the distance from now.
import { Text, Tooltip } from '@mantine/core';
import { useWords } from '@/words';
import { useFormat } from './format';

interface Props {
  at: string | null | undefined;
  /** `chat` is short (15:04, Yesterday), `full` is day and time, `relative` is "2 min ago". */
  as?: 'chat' | 'full' | 'relative' | 'time';
  size?: string;
  c?: string;
  /** Shown when there is no instant. */
  none?: string;
}

export function Moment({ at, as = 'chat', size = 'sm', c, none = '–' }: Props) {
  const t = useWords().parts.time;
  const format = useFormat();
  if (!at) {
    return (
      <Text span size={size} c="dimmed">
        {none}
      </Text>
    );
  }
  const words = { chat: format.chat, full: format.moment, relative: format.relative, time: format.time }[as](at);
  return (
    <Tooltip label={`${format.moment(at)} (${format.zone}) · ${t.utc(format.utc(at))} · ${format.relative(at)}`}>
      <Text span size={size} c={c} style={{ whiteSpace: 'nowrap' }} component="time" dateTime={at}>
        {words}
      </Text>
    </Tooltip>
  );
}
