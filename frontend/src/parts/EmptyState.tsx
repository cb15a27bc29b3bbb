// Nothing here yet: a small picture, one sentence, one way on. Or: nothing matches, clear the filters.
import { Button, Center, Stack, Text, ThemeIcon } from '@mantine/core';
import type { LucideIcon } from 'lucide-react';
import { SearchX } from 'lucide-react';
import type { ReactNode } from 'react';
import { useWords } from '@/words';

interface Props {
  icon: LucideIcon;
  words: string;
  hint?: string;
  /** The one button. */
  action?: ReactNode;
}

export function EmptyState({ icon: Icon, words, hint, action }: Props) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap="sm" maw={440}>
        <ThemeIcon size={72} radius="50%" variant="light" color="tide">
          <Icon size={32} strokeWidth={1.5} aria-hidden />
        </ThemeIcon>
        <Text fw={600} ta="center">
          {words}
        </Text>
        {hint !== undefined && (
          <Text c="dimmed" ta="center" size="sm">
            {hint}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}

/** For lists that are empty only because of their filters. */
export function NothingMatches({ onClear }: { onClear: () => void }) {
  const t = useWords().parts;
  return (
    <EmptyState
      icon={SearchX}
      words={t.nothingMatches}
      action={
        <Button variant="default" onClick={onClear}>
          {t.clearFilters}
        </Button>
      }
    />
  );
}
