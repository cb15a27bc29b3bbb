// Leads: one hook for each thing the API can say or do about them.
import { keepPreviousData, useMutation, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useMe } from '@/accounts/hooks';
import { api, ask } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { Sort } from './filter';
import type { ApiFilter, BulkBody, BulkResult, Lead, LeadBody, MadeLead, Message } from './types';
import type { NewLead } from './values';

const PAGE = 100;
const MESSAGES_PAGE = 20;

export function useLeads(filter: ApiFilter, sort: Sort) {
  return useCursorList<Lead>(['leads', filter, sort], (cursor, signal) =>
    ask(api.GET('/api/leads', { params: { query: { ...filter, sort, limit: PAGE, cursor, with_total: true } }, signal })),
  );
}

/** All niches and triggers with their counts, of one device or of all. */
export function useFacets(deviceId?: string) {
  return useQuery({
    queryKey: ['leads', 'facets', deviceId ?? null],
    queryFn: ({ signal }) => ask(api.GET('/api/leads/facets', { params: { query: { device_id: deviceId } }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** How many leads a filter means, asked anew. */
export function useLeadCount(filter: ApiFilter) {
  return useQuery({
    queryKey: ['leads', 'count', filter],
    queryFn: async () =>
      (await ask(api.GET('/api/leads', { params: { query: { ...filter, limit: 1, with_total: true } } }))).total ?? 0,
    staleTime: 0,
  });
}

export function useLead(id: string) {
  return useQuery({
    queryKey: ['lead', id],
    queryFn: ({ signal }) => ask(api.GET('/api/leads/{id}', { params: { path: { id } }, signal })),
  });
}

/** Every message to one lead, the newest first. */
export function useLeadMessages(id: string) {
  return useCursorList<Message>(['lead-messages', id], (cursor, signal) =>
    ask(api.GET('/api/messages', { params: { query: { lead_id: id, limit: MESSAGES_PAGE, cursor } }, signal })),
  );
}

export function useAddLead() {
  return useLeadChange((body: NewLead): Promise<MadeLead> => ask(api.POST('/api/leads', { body })));
}

export function useSaveLead(id: string) {
  return useLeadChange((body: LeadBody) => ask(api.PUT('/api/leads/{id}', { params: { path: { id } }, body })));
}

export function useDeleteLead() {
  return useLeadChange((id: string) => ask(api.DELETE('/api/leads/{id}', { params: { path: { id } } })));
}

export function useBulk() {
  return useLeadChange(changeMany);
}

function changeMany(body: BulkBody): Promise<BulkResult> {
  return ask(api.POST('/api/leads/bulk', { body }));
}

/** What a change to many would do; nothing is changed. Null stands for "not asked yet". */
export function useBulkPreview(body: BulkBody | null) {
  return useQuery({
    queryKey: ['leads', 'bulk-preview', body],
    queryFn: () => (body === null ? Promise.reject(new Error()) : changeMany({ ...body, dry_run: true })),
    enabled: body !== null,
    retry: false,
    gcTime: 0,
    staleTime: 0,
  });
}

/** The country by which local numbers are read, as ISO code; null when there is none. */
export function useDefaultCountry(): string | null {
  const { workspace }: { workspace: { default_country?: string | null } } = useMe();
  return workspace.default_country ?? null;
}

function useLeadChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => leadsChanged(cache) });
}

/** Lists, facets, one lead, and everything that counts leads. */
export function leadsChanged(cache: QueryClient): void {
  for (const noun of ['leads', 'lead', 'devices', 'device', 'dashboard']) void cache.invalidateQueries({ queryKey: [noun] });
}
