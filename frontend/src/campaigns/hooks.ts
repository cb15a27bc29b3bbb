// Campaigns: one hook for each thing the API can say or do about them.
import { skipToken, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask, askRaw } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { Page } from '@/api/types';
import type { Campaign, CampaignIn, Message, Recipient, ReportLead, Target } from './types';

const PAGE = 50;
/** Of a plan few are shown at first: its numbers are what one looks at. */
const PLAN_PAGE = 20;

/** For what has no type in the OpenAPI file: lists that can also be had as CSV. */
type Query = Record<string, string | number | boolean | null | undefined>;

/** A path with the filters that are set. */
export function address(path: string, query: Query = {}): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set.map(([name, value]) => [name, String(value)]))}`;
}

const byId = (id: string) => ({ path: { id } });

export interface CampaignFilter {
  status?: Campaign['status'][];
  niche?: string;
  target_status?: Target;
  q?: string;
  start_date?: string;
  end_date?: string;
}

export function useCampaigns(filter: CampaignFilter) {
  return useCursorList<Campaign>(['campaigns', filter], (cursor, signal) =>
    ask(api.GET('/api/campaigns', { params: { query: { ...filter, cursor, limit: PAGE, with_total: true } }, signal })),
  );
}

export function useCampaign(id: string) {
  return useQuery({ queryKey: ['campaign', id], queryFn: ({ signal }) => ask(api.GET('/api/campaigns/{id}', { params: byId(id), signal })) });
}

/** Runs a change and reads again what it touches. */
function useCampaignChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ['campaigns'] });
      void cache.invalidateQueries({ queryKey: ['campaign'] });
      void cache.invalidateQueries({ queryKey: ['campaign-report'] });
      void cache.invalidateQueries({ queryKey: ['dashboard'] });
    },
  });
}

export function useCreateCampaign() {
  return useCampaignChange(({ body, key }: { body: CampaignIn; key: string }) =>
    ask(api.POST('/api/campaigns', { body, headers: { 'Idempotency-Key': key } })),
  );
}

export function useChangeCampaign() {
  return useCampaignChange(({ id, body }: { id: string; body: CampaignIn }) =>
    ask(api.PUT('/api/campaigns/{id}', { params: byId(id), body })),
  );
}

export function useTrigger() {
  return useCampaignChange(({ id, planHash }: { id: string; planHash?: string }) =>
    ask(api.POST('/api/campaigns/{id}/trigger', { params: byId(id), body: { plan_hash: planHash } })),
  );
}

export function usePause() {
  return useCampaignChange((id: string) => ask(api.POST('/api/campaigns/{id}/pause', { params: byId(id) })));
}

/** `answer`: what to do about a start that was missed. */
export function useResume() {
  return useCampaignChange(({ id, answer, reason }: { id: string; answer?: 'run' | 'skip'; reason?: string }) =>
    ask(api.POST('/api/campaigns/{id}/resume', { params: byId(id), body: { answer, reason } })),
  );
}

/** Lets the rest go after the first people. */
export function useReleaseCanary() {
  return useCampaignChange((id: string) => ask(api.POST('/api/campaigns/{id}/release-canary', { params: byId(id) })));
}

export function useCancel() {
  return useCampaignChange((id: string) => ask(api.POST('/api/campaigns/{id}/cancel', { params: byId(id) })));
}

/** What a retry of the failed messages would do, of all devices or one. */
export function useRetryPlan(id: string, deviceId?: string) {
  return useQuery({
    queryKey: ['campaign', id, 'retry', deviceId ?? null],
    queryFn: () => retryFailed(id, deviceId, true),
    retry: false,
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

export function useRetry() {
  return useCampaignChange(({ id, deviceId }: { id: string; deviceId?: string }) => retryFailed(id, deviceId, false));
}

function retryFailed(id: string, deviceId: string | undefined, isDryRun: boolean) {
  const body = { dry_run: isDryRun };
  return deviceId === undefined
    ? ask(api.POST('/api/campaigns/{id}/retry-failed', { params: byId(id), body }))
    : ask(api.POST('/api/campaigns/{id}/device/{device_id}/retry-failed', { params: { path: { id, device_id: deviceId } }, body }));
}

export function useClone() {
  return useCampaignChange((id: string) => ask(api.POST('/api/campaigns/{id}/clone', { params: byId(id) })));
}

export function useDeleteCampaign() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask(api.DELETE('/api/campaigns/{id}', { params: byId(id) })),
    // The campaign itself is not read again: it is gone.
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ['campaigns'] });
      void cache.invalidateQueries({ queryKey: ['dashboard'] });
    },
  });
}

/** The plan of a body; null while there is nothing to ask about. */
export function usePlan(body: CampaignIn | null, asKind: 'linked' | null = null) {
  return useQuery({
    queryKey: ['campaign-plan', body, asKind],
    queryFn: body === null ? skipToken : () => ask(api.POST('/api/campaigns/plan', { body: { ...body, as_kind: asKind } })),
    retry: false,
    staleTime: 30_000,
    refetchOnWindowFocus: false,
  });
}

/** The plan of a stored campaign as of now. */
export function useStoredPlan(id: string) {
  return useQuery({
    queryKey: ['campaign', id, 'plan'],
    queryFn: () => ask(api.POST('/api/campaigns/{id}/plan', { params: byId(id) })),
    retry: false,
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

export interface RecipientFilter {
  included: boolean;
  reason?: string;
  device_id?: string;
  q?: string;
}

export function useRecipients(planId: string, filter: RecipientFilter) {
  return useCursorList<Recipient>(['plan-recipients', planId, filter], (cursor, signal) =>
    askRaw<Page<Recipient>>(address(`/api/plans/${planId}/recipients`, { ...filter, cursor, limit: PLAN_PAGE }), { signal }),
  );
}

export function useReport(id: string, enabled = true) {
  return useQuery({
    queryKey: ['campaign-report', id],
    queryFn: ({ signal }) => ask(api.GET('/api/campaigns/{id}/device-report', { params: byId(id), signal })),
    enabled,
  });
}

export function useReportLeads(id: string, deviceId: string, filter: { status?: string; q?: string }) {
  return useCursorList<ReportLead>(['campaign', id, 'leads', deviceId, filter], (cursor, signal) =>
    askRaw<Page<ReportLead>>(address(`/api/campaigns/${id}/device/${deviceId}/leads`, { ...filter, cursor, limit: PAGE, with_total: true }), {
      signal,
    }),
  );
}

export function useCampaignMessages(id: string, filter: { status?: string; device_id?: string; q?: string }) {
  return useCursorList<Message>(['campaign', id, 'messages', filter], (cursor, signal) =>
    askRaw<Page<Message>>(address(`/api/campaigns/${id}/messages`, { ...filter, cursor, limit: PAGE }), { signal }),
  );
}

export type Outcome = 'arrived' | 'not_arrived' | 'send_again';

export function useResolve() {
  return useCampaignChange(({ id, outcome, reason }: { id: string; outcome: Outcome; reason: string }) =>
    ask(api.POST('/api/messages/{id}/resolve', { params: byId(id), body: { outcome, reason } })),
  );
}

export interface TestMessage {
  device_id: string;
  phone: string;
  text: string;
  media_id: string | null;
}

/** Sends the text as it stands in the preview to one number. */
export function useSendTest() {
  return useMutation({
    mutationFn: ({ text, media_id, ...to }: TestMessage) =>
      media_id === null
        ? ask(api.POST('/api/send/message', { body: { ...to, message: text } }))
        : ask(api.POST('/api/send/file', { body: { ...to, media_id, caption: text } })),
  });
}

/** Niches that leads have, with counts. */
export function useNiches() {
  return useQuery({
    queryKey: ['leads', 'facets', null],
    queryFn: ({ signal }) => ask(api.GET('/api/leads/facets', { signal })),
  });
}

/** Some leads to try the text on. */
export function useSamples(filter: { niche?: string; target_status?: 'prospect' | 'customer'; q?: string }) {
  return useQuery({
    queryKey: ['leads', 'samples', filter],
    queryFn: ({ signal }) => ask(api.GET('/api/leads', { params: { query: { ...filter, limit: 20 } }, signal })),
    placeholderData: (before) => before,
  });
}
