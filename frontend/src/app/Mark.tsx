// The product's mark: a sail on its way, drawn here so that no picture has to be loaded.
import { Group, Text } from '@mantine/core';
import { useWords } from '@/words';

export function Mark({ size = 28, withName = true, onDark = true }: { size?: number; withName?: boolean; onDark?: boolean }) {
  const t = useWords().app;
  const paper = onDark ? '#f5efe3' : 'var(--mantine-primary-color-filled)';
  return (
    <Group gap={10} wrap="nowrap">
      <svg width={size} height={size} viewBox="4 4 24 24.500" aria-hidden focusable="false">
        <path d="M15 5v16H6.500C10.500 16.500 13.500 11 15 5Z" fill={paper} />
        <path d="M17 9c3.500 3.500 6 7.500 7.500 12H17Z" fill="var(--hantar-accent)" />
        <path d="M5.500 23.500h21c-1.500 2.500-3.600 3.800-6.300 3.800h-8.400c-2.700 0-4.800-1.300-6.300-3.800Z" fill={paper} />
      </svg>
      {withName && (
        <Text span fw={700} fz={20} style={{ letterSpacing: '-0.02em' }} c={onDark ? '#f5efe3' : undefined}>
          {t.name}
        </Text>
      )}
    </Group>
  );
}
