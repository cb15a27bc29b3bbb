// Workers: how each device gets on, and stopping and starting them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

/** What the page asks again by itself, in milliseconds: now and then, or often while somebody watches. */
export const CALM = 15_000;
export const OFTEN = 5_000;

export function useWorkers(every: number) {
  return useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => ask(api.GET('/api/workers/status', { signal })),
    refetchInterval: every,
  });
}

export function useBroadcastStats(every: number) {
  return useQuery({
    queryKey: ['workers', 'stats'],
    queryFn: ({ signal }) => ask(api.GET('/api/broadcast/stats', { signal })),
    refetchInterval: every,
  });
}

function useWorkerChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => {
      for (const key of ['workers', 'devices', 'device', 'dashboard']) void cache.invalidateQueries({ queryKey: [key] });
    },
  });
}

export type Act = 'stop' | 'start' | 'restart';

export function useActOnWorker() {
  return useWorkerChange(({ id, act }: { id: string; act: Act }) => {
    const params = { path: { id } };
    if (act === 'stop') return ask(api.POST('/api/workers/device/{id}/stop', { params }));
    if (act === 'start') return ask(api.POST('/api/workers/device/{id}/start', { params }));
    return ask(api.POST('/api/workers/device/{id}/restart', { params }));
  });
}

export function useResumeFailed() {
  return useWorkerChange((_: void) => ask(api.POST('/api/workers/resume-failed')));
}

export function useResumeAll() {
  return useWorkerChange((_: void) => ask(api.POST('/api/workers/resume-all', { body: {} })));
}

export function useStopAll() {
  return useWorkerChange((_: void) => ask(api.POST('/api/workers/stop-all', { body: {} })));
}

/** What stopping all would do. */
export function useStopAllPlan() {
  return useQuery({
    queryKey: ['workers', 'stop-all'],
    queryFn: () => ask(api.POST('/api/workers/stop-all', { body: { dry_run: true } })),
    retry: false,
    staleTime: 0,
    gcTime: 0,
  });
}
