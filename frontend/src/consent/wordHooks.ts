// The words that stop and start, and trying a message against them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function useKeywords() {
  return useQuery({ queryKey: ['keywords'], queryFn: () => ask(api.GET('/api/keywords')) });
}

export function useAddKeyword() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { language: string; word: string; kind: 'stop' | 'start' }) => ask(api.POST('/api/keywords', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['keywords'] }),
  });
}

export function useTryMessage() {
  return useMutation({ mutationFn: (text: string) => ask(api.POST('/api/keywords/test', { body: { text } })) });
}
