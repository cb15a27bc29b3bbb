// Leads: one hook for each thing the API can say or do about them.
import { keepPreviousData, useMutation, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useMe } from '@/accounts/hooks';
import { askRaw } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { Page } from '@/api/types';
import { toQuery, type Sort } from './filter';
import type { ApiFilter, BulkBody, BulkResult, Facets, Lead, LeadBody, MadeLead } from './types';

const PAGE = 100;

export function useLeads(filter: ApiFilter, sort: Sort) {
  return useCursorList<Lead>(['leads', filter, sort], (cursor, signal) =>
    askRaw<Page<Lead>>(`/api/leads?${toQuery({ ...filter, sort, limit: PAGE, cursor, with_total: true })}`, { signal }),
  );
}

/** All niches and triggers with their counts, of one device or of all. */
export function useFacets(deviceId?: string) {
  return useQuery({
    queryKey: ['leads', 'facets', deviceId ?? null],
    queryFn: ({ signal }) => askRaw<Facets>(`/api/leads/facets?${toQuery({ device_id: deviceId })}`, { signal }),
    placeholderData: keepPreviousData,
  });
}

export function useLead(id: string | null) {
  return useQuery({
    queryKey: ['lead', id],
    queryFn: ({ signal }) => askRaw<Lead>(`/api/leads/${encodeURIComponent(id ?? '')}`, { signal }),
    enabled: id !== null,
  });
}

export function useAddLead() {
  return useLeadChange((body: LeadBody) => send<MadeLead>('POST', '/api/leads', body));
}

export function useSaveLead(id: string) {
  return useLeadChange((body: LeadBody) => send<Lead>('PUT', `/api/leads/${id}`, body));
}

export function useDeleteLead() {
  return useLeadChange((id: string) => send<undefined>('DELETE', `/api/leads/${id}`));
}

export function useBulk() {
  return useLeadChange((body: BulkBody) => send<BulkResult>('POST', '/api/leads/bulk', body));
}

/** What a change to many would do; nothing is changed. Null stands for "not asked yet". */
export function useBulkPreview(body: BulkBody | null) {
  return useQuery({
    queryKey: ['leads', 'bulk-preview', body],
    queryFn: () => send<BulkResult>('POST', '/api/leads/bulk', { ...body, dry_run: true }),
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

export function send<T>(method: string, path: string, body?: object): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return askRaw<T>(path, body === undefined ? { method } : { method, headers, body: JSON.stringify(body) });
}
