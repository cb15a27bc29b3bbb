import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it, vi } from 'vitest';
import { campaignLiveRules as rules } from './live';
import type { Campaign, Message } from './types';

function cacheWith(): QueryClient {
  const cache = new QueryClient();
  const campaign = { id: 'c', status: 'processing', counts: { total: 2, sent: 0 } } as Campaign;
  cache.setQueryData(['campaign', 'c'], campaign);
  cache.setQueryData(['campaigns', {}], { pages: [{ items: [campaign, { ...campaign, id: 'other' }] }], pageParams: [undefined] });
  const message = { id: 'm', status: 'queued', state: 'queued', waiting_for: 'pacing' } as Message;
  cache.setQueryData(['campaign', 'c', 'messages', {}], { pages: [{ items: [message] }], pageParams: [undefined] });
  return cache;
}
const listed = (cache: QueryClient) => cache.getQueryData<{ pages: { items: Campaign[] }[] }>(['campaigns', {}])?.pages[0]?.items ?? [];

describe('live news', () => {
  it('put numbers into the page and its row, and into no other', () => {
    const cache = cacheWith();
    const counts = { total: 2, sent: 1, failed: 1 };
    rules['campaign.progress']?.({ campaign_id: 'c', counts, rate_per_minute: 6, eta_at: null, eta_late_at: null }, cache);
    expect(cache.getQueryData<Campaign>(['campaign', 'c'])).toMatchObject({ counts, success_rate: 50, rate_per_minute: 6, status: 'processing' });
    expect(listed(cache).map((each) => each.counts.sent)).toEqual([1, 0]);
  });

  it('move ticks in place, and read the list again once for many', () => {
    vi.useFakeTimers();
    const cache = cacheWith();
    const read = vi.spyOn(cache, 'invalidateQueries');
    for (const state of ['sent', 'delivered', 'read']) {
      rules['message.status']?.({ campaign_id: 'c', message_id: 'm', status: 'sent', state, reason: null }, cache);
    }
    const row = cache.getQueryData<{ pages: { items: Message[] }[] }>(['campaign', 'c', 'messages', {}])?.pages[0]?.items[0];
    expect(row).toMatchObject({ status: 'sent', state: 'read', waiting_for: null });
    expect(read).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_500);
    expect(read).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it('forget a campaign that was deleted', () => {
    const cache = cacheWith();
    rules['campaign.status']?.({ campaign_id: 'c', status: 'deleted', reason: null }, cache);
    expect(cache.getQueryData(['campaign', 'c'])).toBeUndefined();
  });
});
