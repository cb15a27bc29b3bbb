// Devices: one hook for each thing the API can say or do about them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import type { Device } from '@/api/types';

const PAGE = 200;

/** All devices of the workspace, page by page until the end: some tens, seldom some hundreds. */
async function allDevices(signal: AbortSignal): Promise<Device[]> {
  const all: Device[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(api.GET('/api/devices', { params: { query: { limit: PAGE, cursor } }, signal }));
    all.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

export function useDevices() {
  return useQuery({ queryKey: ['devices'], queryFn: ({ signal }) => allDevices(signal) });
}

/** Devices whose name or number holds the words; at most five, for the search box. */
export function useDeviceSearch(words: string): Device[] {
  const { data = [] } = useDevices();
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return [];
  return data.filter((device) => `${device.name} ${device.phone ?? ''}`.toLowerCase().includes(wanted)).slice(0, 5);
}

export function useDevice(id: string) {
  return useQuery({
    queryKey: ['device', id],
    queryFn: () => ask(api.GET('/api/devices/{id}', { params: { path: { id } } })),
  });
}

function useDeviceChange<Input>(change: (input: Input) => Promise<unknown>) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ['devices'] });
      void cache.invalidateQueries({ queryKey: ['device'] });
      void cache.invalidateQueries({ queryKey: ['dashboard'] });
    },
  });
}

export function useAddDevice() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; phone?: string | null }) => ask(api.POST('/api/devices', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['devices'] }),
  });
}

export function useConnect() {
  return useDeviceChange((id: string) => ask(api.POST('/api/devices/{id}/connect', { params: { path: { id } } })));
}
