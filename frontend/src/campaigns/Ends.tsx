// When something ends, as a range: "13:40–14:15", with the day when it is not today.
import { Text, Tooltip } from '@mantine/core';
import { useFormat, type Format } from '@/parts/format';
import { useWords } from '@/words';

/** The words of the range; null without an end. */
export function endWords(format: Format, words: (from: string, to: string | null) => string, from: string | null, to: string | null): string | null {
  if (from === null) return null;
  const today = format.day(new Date().toISOString());
  const show = (at: string) => (format.day(at) === today ? format.time(at) : format.moment(at));
  const late = to === null ? null : format.day(to) === format.day(from) ? format.time(to) : show(to);
  const early = show(from);
  return words(early, late === format.time(from) ? null : late);
}

export function Ends({ from, to }: { from: string | null; to: string | null }) {
  const t = useWords().campaigns;
  const words = endWords(useFormat(), t.ends, from, to);
  if (words === null) return <>–</>;
  return (
    <Tooltip label={t.endsIn}>
      <Text span inherit tabIndex={0} style={{ fontVariantNumeric: 'tabular-nums' }}>
        {words}
      </Text>
    </Tooltip>
  );
}
