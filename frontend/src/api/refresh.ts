// Reading again soon, however many events ask for it: a campaign of thousands must not mean thousands of requests.
import type { QueryClient, QueryKey } from '@tanstack/react-query';

const waiting = new WeakMap<QueryClient, Set<string>>();

/** Marks the queries under `key` as old, once per `waitMs`, at the end of that time. */
export function refreshSoon(cache: QueryClient, key: QueryKey, waitMs = 1_500): void {
  const name = JSON.stringify(key);
  const asked = waiting.get(cache) ?? new Set<string>();
  waiting.set(cache, asked);
  if (asked.has(name)) return;
  asked.add(name);
  setTimeout(() => {
    asked.delete(name);
    void cache.invalidateQueries({ queryKey: key });
  }, waitMs);
}
