// Long work: bar, done of total, rate and when it will be over.
import { Group, Progress, Stack, Text } from '@mantine/core';
import { useWords } from '@/words';
import { useFormat } from './format';

interface Section {
  value: number;
  color: string;
  label: string;
}

interface Props {
  /** What is in progress, for people who cannot see the bar. */
  label: string;
  done: number;
  total: number;
  /** Parts of the bar; one in teal when left out. Values are counts. */
  sections?: Section[];
  ratePerMinute?: number | null;
  etaAt?: string | null;
  etaLateAt?: string | null;
  size?: string;
  isActive?: boolean;
}

export function ProgressWithEta({ label, done, total, sections, ratePerMinute, etaAt, etaLateAt, size = 'lg', isActive = false }: Props) {
  const t = useWords().parts.progress;
  const format = useFormat();
  const share = (n: number) => (total > 0 ? (n / total) * 100 : 0);
  const parts = sections ?? [{ value: done, color: 'teal', label }];
  const minutes = etaAt ? Math.max(0, Math.round((Date.parse(etaAt) - Date.now()) / 60_000)) : null;
  const facts = [
    t.of(done, total),
    ratePerMinute ? t.rate(ratePerMinute) : null,
    minutes === null ? null : t.minutesLeft(minutes),
    etaAt ? t.ends(format.time(etaAt), etaLateAt ? format.time(etaLateAt) : null) : null,
  ].filter((fact) => fact !== null);
  return (
    <Stack gap={6}>
      <Progress.Root size={size} radius="xl">
        {parts.map((part, index) => (
          <Progress.Section
            key={part.label}
            value={share(part.value)}
            color={part.color}
            aria-label={index === 0 ? label : part.label}
            aria-valuetext={t.of(part.value, total)}
            striped={isActive && index === 0}
            animated={isActive && index === 0}
          />
        ))}
      </Progress.Root>
      <Group gap={6}>
        <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
          {facts.join(' · ')}
        </Text>
      </Group>
    </Stack>
  );
}
