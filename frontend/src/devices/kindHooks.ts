// The kinds of devices, and the credentials of those that have some: one hook for each thing the API can say or do.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { Driver } from '@/api/types';

export interface Credentials {
  number_id?: string | null;
  token?: string | null;
  business_id?: string | null;
}

/** What this installation offers; it changes with a restart of the server only. */
export function useDrivers() {
  return useQuery({
    queryKey: ['drivers'],
    queryFn: async (): Promise<Driver[]> => (await ask(api.GET('/api/drivers'))).items,
    staleTime: 10 * 60_000,
  });
}

/** Asks the service whether they work; keeps nothing. */
export function useTryCredentials() {
  return useMutation({
    mutationFn: (body: Credentials & { driver: string }) => ask(api.POST('/api/devices/check-credentials', { body })),
    gcTime: 0,
  });
}

function useRefreshed() {
  const cache = useQueryClient();
  return () => {
    for (const what of ['devices', 'device', 'dashboard']) void cache.invalidateQueries({ queryKey: [what] });
  };
}

export function useReplaceCredentials(id: string) {
  return useMutation({
    mutationFn: (body: Credentials) => ask(api.PUT('/api/devices/{id}/credentials', { params: { path: { id } }, body })),
    onSettled: useRefreshed(),
    gcTime: 0,
  });
}

/** What the service says about a device's number today. */
export function useAskAgain(id: string) {
  return useMutation({
    mutationFn: () => ask(api.POST('/api/devices/{id}/check-credentials', { params: { path: { id } } })),
    onSettled: useRefreshed(),
  });
}

/** By name and language, as they were read from the service last. */
export function useTemplates(id: string) {
  return useCursorList(['device', id, 'templates'], (cursor) =>
    ask(api.GET('/api/devices/{id}/templates', { params: { path: { id }, query: { cursor, limit: 50 } } })),
  );
}

/** Reads them anew; gives how many there are. */
export function useSyncTemplates(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.POST('/api/devices/{id}/templates/sync', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['device', id, 'templates'] }),
  });
}
