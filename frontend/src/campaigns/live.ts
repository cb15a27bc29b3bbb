// Campaigns: state and progress as they change. Numbers and ticks are put in place; lists are read again at most every two seconds.
import type { QueryClient } from '@tanstack/react-query';
import type { LiveRules } from '@/api/live';
import { refreshSoon } from '@/api/refresh';
import type { Campaign, Message } from './types';

const READ_AGAIN_MS = 2_000;
/** A list that was opened this far is not read again as a whole; its rows are changed in place. */
const PAGES_READ_AGAIN = 2;

type Data = Record<string, unknown>;
interface Pages<T> {
  pages: { items: T[] }[];
}

export const campaignLiveRules: LiveRules = {
  'campaign.status': (data, cache) => {
    patchCampaign(cache, data, { status: data.status as Campaign['status'], status_reason: (data.reason as string | null) ?? null });
    void cache.invalidateQueries({ queryKey: ['campaigns'] });
    if (data.status === 'deleted') cache.removeQueries({ queryKey: ['campaign', data.campaign_id] });
    else {
      void cache.invalidateQueries({ queryKey: ['campaign', data.campaign_id] });
      refreshSoon(cache, ['campaign-report', data.campaign_id], 300);
    }
  },
  'campaign.progress': (data, cache) => {
    patchCampaign(cache, data, numbersOf(data));
    refreshSoon(cache, ['campaign-report', data.campaign_id], READ_AGAIN_MS);
  },
  // The report says which devices are online.
  'device.status': (_data, cache) => refreshSoon(cache, ['campaign-report'], READ_AGAIN_MS),
  'message.status': (data, cache) => {
    if (typeof data.campaign_id !== 'string') return;
    patchMessage(cache, data);
    readAgain(cache, data.campaign_id, 'messages');
    readAgain(cache, data.campaign_id, 'leads');
  },
};

function numbersOf(data: Data): Partial<Campaign> {
  const counts = data.counts as Campaign['counts'];
  const ended = counts.sent + counts.failed;
  return {
    counts,
    success_rate: ended === 0 ? null : Math.round((1000 * counts.sent) / ended) / 10,
    rate_per_minute: (data.rate_per_minute as number | null) ?? null,
    eta_at: (data.eta_at as string | null) ?? null,
    eta_late_at: (data.eta_late_at as string | null) ?? null,
  };
}

function patchCampaign(cache: QueryClient, data: Data, change: Partial<Campaign>): void {
  const id = String(data.campaign_id);
  cache.setQueryData<Campaign>(['campaign', id], (old) => (old === undefined ? old : { ...old, ...change }));
  patchPages<Campaign>(cache, ['campaigns'], id, change);
}

function patchMessage(cache: QueryClient, data: Data): void {
  const change = { status: data.status as Message['status'], state: data.state as Message['state'], reason: (data.reason as string | null) ?? null };
  const isOpen = change.status === 'pending' || change.status === 'queued';
  patchPages<Message>(cache, ['campaign', data.campaign_id, 'messages'], String(data.message_id), isOpen ? change : { ...change, waiting_for: null });
}

function patchPages<T extends { id: string }>(cache: QueryClient, key: unknown[], id: string, change: Partial<T>): void {
  cache.setQueriesData<Pages<T>>({ queryKey: key }, (old) => {
    if (old?.pages === undefined || !old.pages.some((page) => page.items.some((item) => item.id === id))) return old;
    return {
      ...old,
      pages: old.pages.map((page) => ({ ...page, items: page.items.map((item) => (item.id === id ? { ...item, ...change } : item)) })),
    };
  });
}

const waiting = new Set<string>();

/** Reads a part of a campaign again soon, however many events ask for it. */
function readAgain(cache: QueryClient, id: string, part: 'messages' | 'leads'): void {
  const key = `${id}:${part}`;
  if (waiting.has(key)) return;
  waiting.add(key);
  setTimeout(() => {
    waiting.delete(key);
    void cache.invalidateQueries({
      queryKey: ['campaign', id, part],
      predicate: (query) => ((query.state.data as Pages<unknown> | undefined)?.pages?.length ?? 1) <= PAGES_READ_AGAIN,
    });
  }, READ_AGAIN_MS);
}
