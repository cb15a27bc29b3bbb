// The demo: whether its data is here, start it, remove it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

/** Whether demo data is there, and its campaign to start. */
export function useDemo() {
  return useQuery({ queryKey: ['demo'], queryFn: () => ask(api.GET('/api/demo')), staleTime: 60_000 });
}

export function useHasDemo(): boolean {
  return useDemo().data?.is_present ?? false;
}

const POLL_MS = 300;

/** Builds the demo and waits until it is there: a second or two. */
export function useStartDemo() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      let job = await ask(api.POST('/api/demo'));
      while (job.status === 'queued' || job.status === 'running') {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await ask(api.GET('/api/jobs/{id}', { params: { path: { id: job.id } } }));
      }
      return ask(api.GET('/api/demo'));
    },
    onSettled: () => cache.invalidateQueries(),
  });
}

export function useRemoveDemo() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.DELETE('/api/demo')),
    onSettled: () => cache.invalidateQueries(),
  });
}
