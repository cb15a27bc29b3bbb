import { QueryClient } from '@tanstack/react-query';
import { expect, it, vi } from 'vitest';
import { refreshSoon } from './refresh';

it('many events ask once, and the next ones again', () => {
  vi.useFakeTimers();
  const cache = new QueryClient();
  const read = vi.spyOn(cache, 'invalidateQueries');
  for (let i = 0; i < 50; i += 1) refreshSoon(cache, ['messages'], 1000);
  refreshSoon(cache, ['devices'], 1000);
  vi.advanceTimersByTime(1000);
  expect(read.mock.calls.map(([what]) => what?.queryKey)).toEqual([['messages'], ['devices']]);
  refreshSoon(cache, ['messages'], 1000);
  vi.advanceTimersByTime(1000);
  expect(read).toHaveBeenCalledTimes(3);
  vi.useRealTimers();
});
