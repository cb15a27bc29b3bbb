// Settings of the workspace and its API keys.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function useSettings(enabled = true) {
  return useQuery({ queryKey: ['settings'], queryFn: () => ask(api.GET('/api/settings')), enabled });
}

export function useSaveSettings() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { name?: string; time_zone?: string; default_country?: string | null }) => ask(api.PUT('/api/settings', { body })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ['settings'] });
      void cache.invalidateQueries({ queryKey: ['me'] });
    },
  });
}

export function useApiKeys() {
  return useQuery({ queryKey: ['api-keys'], queryFn: () => ask(api.GET('/api/api-keys')) });
}

export function useMakeApiKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; scopes: string[]; expires_at: string | null }) => ask(api.POST('/api/api-keys', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['api-keys'] }),
  });
}

export function useRevokeApiKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask(api.DELETE('/api/api-keys/{id}', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['api-keys'] }),
  });
}
