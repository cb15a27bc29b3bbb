// The numbers of the first page.
import { useMutation, useQuery, useQueryClient, keepPreviousData } from '@tanstack/react-query';
import { api, ask, askRaw } from '@/api/client';

/** For a span of days, inclusive, in the person's zone. */
export function useDashboard(span: { start_date: string; end_date: string }) {
  return useQuery({
    queryKey: ['dashboard', span],
    queryFn: () => ask(api.GET('/api/dashboard', { params: { query: span } })),
    placeholderData: keepPreviousData,
  });
}

export function usePauseCampaign() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => askRaw(`/api/campaigns/${encodeURIComponent(id)}/pause`, { method: 'POST' }),
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ['dashboard'] });
      void cache.invalidateQueries({ queryKey: ['campaigns'] });
    },
  });
}
