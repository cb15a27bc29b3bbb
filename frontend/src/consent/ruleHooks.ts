// The rules of responsible sending: read with their origins, changed with a reason.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { RuleKind, RuleValue } from './rules';

export function usePolicy() {
  return useQuery({ queryKey: ['policy'], queryFn: () => ask(api.GET('/api/policy')) });
}

export function usePolicyVersions() {
  return useCursorList(['policy', 'versions'], (cursor) => ask(api.GET('/api/policy/versions', { params: { query: { cursor, limit: 10 } } })));
}

interface RuleChange {
  kind: RuleKind;
  name: string;
  value: RuleValue | null;
  reason: string;
  declaration: string | null;
  version: number;
}

export function useChangeRule() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ kind, name, value, reason, declaration, version }: RuleChange) =>
      ask(api.PUT('/api/policy', { body: { kind, values: { [name]: value }, reason, declaration, version } })),
    onSuccess: () => {
      for (const key of ['policy', 'device', 'devices', 'campaign', 'plan']) void cache.invalidateQueries({ queryKey: [key] });
    },
  });
}
