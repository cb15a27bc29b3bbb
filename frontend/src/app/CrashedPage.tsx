// When a page itself breaks, or its data cannot be had at all.
import { Box, Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Unplug } from 'lucide-react';
import { Problem } from '@/api/problem';
import { EmptyState } from '@/parts/EmptyState';
import { problemWords } from '@/parts/problemWords';
import { useWords } from '@/words';

export function CrashedPage({ error }: ErrorComponentProps) {
  const t = useWords();
  const hint = error instanceof Problem ? problemWords(t, error) : t.app.crashed.words;
  return (
    <Box component="main" role="alert" py="xl">
      <EmptyState
        icon={Unplug}
        words={t.app.crashed.title}
        hint={hint}
        action={<Button onClick={() => window.location.reload()}>{t.app.crashed.reload}</Button>}
      />
    </Box>
  );
}
