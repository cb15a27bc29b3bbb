// Opt-outs and holds, read and changed. Everything that changes them refreshes leads and messages too.
import { useMutation, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, ask, upload } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { ConsentSearch } from './routes';
import type { BlockList, OptOut, OptOutBody } from './types';
import type { Page } from '@/api/types';

export function consentChanged(cache: QueryClient) {
  for (const key of ['opt-outs', 'holds', 'consents', 'person', 'persons', 'lead', 'leads', 'message', 'messages']) {
    void cache.invalidateQueries({ queryKey: [key] });
  }
}

export function useOptOuts({ q, reason, source, show }: ConsentSearch) {
  const filter = { q, reason, source, live: show === undefined ? undefined : show === 'live' };
  // the same address also gives a CSV file, so its answer has two types
  return useCursorList<OptOut>(['opt-outs', filter], (cursor) =>
    ask(api.GET('/api/opt-outs', { params: { query: { ...filter, cursor, with_total: true } } })) as Promise<Page<OptOut>>,
  );
}

export function useHolds(open: boolean) {
  return useCursorList(['holds', { open }], (cursor) => ask(api.GET('/api/holds', { params: { query: { open, cursor, with_total: true } } })));
}

/** How many people wait for somebody to decide; stands in the navigation. */
export function useHoldCount(enabled = true) {
  return useQuery({
    queryKey: ['holds', 'count'],
    queryFn: async () => (await ask(api.GET('/api/holds', { params: { query: { open: true, limit: 1, with_total: true } } }))).total ?? 0,
    enabled,
    staleTime: 30_000,
  });
}

function useChange<T>(change: (value: T) => Promise<unknown>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => consentChanged(cache) });
}

export function useOptOut() {
  return useChange((body: Partial<OptOutBody>) => ask(api.POST('/api/opt-outs', { body: body as OptOutBody })));
}

export function useReleaseOptOut() {
  return useChange(({ id, reason, evidence }: { id: string; reason: string; evidence: string }) =>
    ask(api.DELETE('/api/opt-outs/{id}', { params: { path: { id } }, body: { reason, evidence } })),
  );
}

export function useCheck() {
  return useMutation({ mutationFn: (phone: string) => ask(api.GET('/api/opt-outs/check', { params: { query: { phone } } })) });
}

export function useImportOptOuts() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ file, note }: { file: File; note: string }) => {
      const form = new FormData();
      form.append('file', file);
      if (note !== '') form.append('note', note);
      return upload('/api/opt-outs/import', form) as Promise<BlockList>;
    },
    onSuccess: () => consentChanged(cache),
  });
}

export function useConfirmHold() {
  return useChange((id: string) => ask(api.POST('/api/holds/{id}/confirm', { params: { path: { id } }, body: {} })));
}

export function useReleaseHold() {
  return useChange(({ id, reason }: { id: string; reason: string }) =>
    ask(api.POST('/api/holds/{id}/release', { params: { path: { id } }, body: { reason } })),
  );
}
