// @vitest-environment jsdom
import { QueryClient } from '@tanstack/react-query';
import { screen, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { show } from '@/parts/testing';
import { History } from './History';
import type { Lead, Message } from './types';

vi.mock('@/api/useLive', () => ({ useFollow: () => {} }));
vi.mock('@/campaigns/CampaignLink', () => ({ CampaignLink: ({ id, children }: { id: string; children: string }) => <a href={`/campaigns/${id}`}>{children}</a> }));

const lead = { id: 'L1', device_id: 'D1' } as Lead;
const plain = {
  campaign_id: null,
  device_name: 'Shop',
  message_type: 'text',
  reason: null,
  waiting_for: null,
  hold_reason: null,
  error: null,
  scheduled_at: '2026-03-01T10:00:00Z',
  sent_at: null,
};
const messages = [
  { ...plain, id: 'M2', campaign_id: 'C1', text: 'Hi Anna', status: 'queued', state: 'planned', waiting_for: 'device_offline' },
  { ...plain, id: 'M1', text: 'Hello', status: 'sent', state: 'read', sent_at: '2026-03-01T09:00:00Z' },
] as unknown as Message[];

/** A cache that knows the answers already, so that nothing is asked. */
function knowing(items: Message[]): QueryClient {
  const cache = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  cache.setQueryData(['lead-messages', 'L1'], { pages: [{ items, next_cursor: null }], pageParams: [undefined] });
  cache.setQueryData(['campaign', 'C1'], { id: 'C1', title: 'Spring offer' });
  return cache;
}

describe('the history of a lead', () => {
  it('tells of each message where it came from, how far it got and why', () => {
    show(<History lead={lead} />, { cache: knowing(messages) });
    const [newest, older] = screen.getAllByTestId('leads-history-line');
    expect(within(newest!).getByRole('link', { name: 'Spring offer' })).toBeTruthy();
    expect(within(newest!).getByText('The device is offline')).toBeTruthy();
    expect(within(older!).getByText('Single message')).toBeTruthy();
    expect(within(older!).getByRole('img', { name: 'Read' })).toBeTruthy();
  });

  it('says so when there is nothing', () => {
    show(<History lead={lead} />, { cache: knowing([]) });
    expect(screen.getByText('Nothing was sent to this lead yet.')).toBeTruthy();
  });
});
