// One person as a whole, why messages did or did not go, and what a person may ask for.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { useCursorList } from '@/api/lists';
import { consentChanged } from './hooks';
import type { ConsentBody } from './types';

export function usePerson(id: string | null) {
  return useQuery({
    queryKey: ['person', id],
    queryFn: () => ask(api.GET('/api/persons/{id}', { params: { path: { id: id ?? '' } } })),
    enabled: id !== null,
  });
}

export function useWhyNot(id: string) {
  return useQuery({
    queryKey: ['person', id, 'why-not'],
    queryFn: () => ask(api.GET('/api/persons/{id}/why-not', { params: { path: { id } } })),
  });
}

export function useFindPersons(q: string) {
  return useQuery({
    queryKey: ['persons', q],
    queryFn: () => ask(api.GET('/api/persons', { params: { query: { q } } })),
    enabled: q.trim().length >= 2,
  });
}

export function useExplain(messageId: string | null) {
  return useQuery({
    queryKey: ['message', messageId, 'explain'],
    queryFn: () => ask(api.GET('/api/messages/{id}/explain', { params: { path: { id: messageId ?? '' } } })),
    enabled: messageId !== null,
  });
}

export function useConsents(filter: { phone?: string; person_id?: string; state?: 'live' | 'withdrawn' | 'expired' }) {
  return useCursorList(['consents', filter], (cursor) => ask(api.GET('/api/consents', { params: { query: { ...filter, cursor, with_total: true } } })));
}

export function useGiveConsent() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Partial<ConsentBody>) => ask(api.POST('/api/consents', { body: body as ConsentBody })),
    onSuccess: () => consentChanged(cache),
  });
}

export function useErase() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) => ask(api.DELETE('/api/persons/{id}', { params: { path: { id } }, body: { reason } })),
    onSuccess: () => consentChanged(cache),
  });
}
