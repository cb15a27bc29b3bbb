// When a page itself breaks, or its data cannot be had at all. While the server is away it waits, and comes back by itself.
import { Box, Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Unplug } from 'lucide-react';
import { useEffect } from 'react';
import { isServerThere } from '@/api/client';
import { Problem } from '@/api/problem';
import { EmptyState } from '@/parts/EmptyState';
import { problemWords } from '@/parts/problemWords';
import { useWords } from '@/words';

const LOOK_EVERY_MS = 3_000;

export function CrashedPage({ error }: ErrorComponentProps) {
  const words = useWords();
  const t = words.app.crashed;
  const isAway = error instanceof Problem && error.code === 'unreachable';
  useReloadWhenBack(isAway);
  const hint = isAway ? t.awayWords : error instanceof Problem ? problemWords(words, error) : t.words;
  return (
    <Box component="main" role="alert" py="xl" data-testid="page-crashed">
      <EmptyState
        icon={Unplug}
        words={isAway ? t.away : t.title}
        hint={hint}
        action={<Button onClick={() => window.location.reload()}>{t.reload}</Button>}
      />
    </Box>
  );
}

function useReloadWhenBack(isAway: boolean) {
  useEffect(() => {
    if (!isAway) return;
    const timer = setInterval(() => void isServerThere().then((isThere) => isThere && window.location.reload()), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isAway]);
}
