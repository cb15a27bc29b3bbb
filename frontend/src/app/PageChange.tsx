// A thin bar at the top while the next page is on its way.
import { Progress } from '@mantine/core';
import { useRouterState } from '@tanstack/react-router';
import { useWords } from '@/words';

export function PageChange() {
  const t = useWords().parts;
  const isLoading = useRouterState({ select: (state) => state.status === 'pending' });
  if (!isLoading) return null;
  return (
    <Progress
      value={70}
      size={3}
      radius={0}
      animated
      color="clay"
      aria-label={t.loading}
      style={{ position: 'fixed', inset: '0 0 auto 0', zIndex: 400 }}
    />
  );
}
