// Devices: one hook for each thing the API can say or do about them.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, ask, askRaw } from '@/api/client';
import { toProblem } from '@/api/problem';
import type { Device, Limits, Qr, Simulation } from '@/api/types';
import type { Credentials } from './kindHooks';

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

/** `pollMs` asks again by itself, for the moments when waiting for an event alone would be too trusting. */
export function useDevice(id: string, { pollMs }: { pollMs?: number } = {}) {
  return useQuery({
    queryKey: ['device', id],
    queryFn: () => ask(api.GET('/api/devices/{id}', { params: { path: { id } } })),
    refetchInterval: pollMs ?? false,
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

export interface NewDevice extends Credentials {
  name: string;
  driver?: string;
  phone?: string | null;
}

export function useAddDevice() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: NewDevice) => ask(api.POST('/api/devices', { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['devices'] }),
  });
}

export function useConnect() {
  return useDeviceChange((id: string) => ask(api.POST('/api/devices/{id}/connect', { params: { path: { id } } })));
}

export function useEditDevice() {
  return useDeviceChange(({ id, ...body }: { id: string; name?: string; phone?: string | null } & Partial<DeviceLimits>) =>
    ask(api.PUT('/api/devices/{id}', { params: { path: { id } }, body })),
  );
}

export interface DeviceLimits {
  /** Only those to change. */
  limits: Partial<Limits>;
  min_delay_seconds: number;
  max_delay_seconds: number;
}

export function useDeletionPreview(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ['device', id, 'deletion-preview'],
    queryFn: () => ask(api.GET('/api/devices/{id}/deletion-preview', { params: { path: { id } } })),
    enabled,
    staleTime: 0,
  });
}

/** The device's own page is left alone: it is gone. */
export function useDeleteDevice() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask(api.DELETE('/api/devices/{id}', { params: { path: { id } } })),
    onSuccess: () => {
      for (const what of ['devices', 'leads', 'dashboard', 'campaigns', 'messages']) {
        void cache.invalidateQueries({ queryKey: [what] });
      }
    },
  });
}

export function useDisconnect() {
  return useDeviceChange((id: string) => ask(api.POST('/api/devices/{id}/disconnect', { params: { path: { id } } })));
}

export function usePause() {
  return useDeviceChange((id: string) => ask(api.POST('/api/devices/{id}/pause', { params: { path: { id } } })));
}

export function useResume() {
  return useDeviceChange(({ id, reason }: { id: string; reason?: string }) =>
    ask(api.POST('/api/devices/{id}/resume', { params: { path: { id } }, body: { reason } })),
  );
}

export function useLogout() {
  return useDeviceChange((id: string) => ask(api.POST('/api/devices/{id}/logout', { params: { path: { id } } })));
}

/** Gives `result`: reconnected, already_online, qr_required, unreachable. */
export function useRefresh() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask(api.POST('/api/devices/{id}/refresh', { params: { path: { id } } })),
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ['devices'] });
      void cache.invalidateQueries({ queryKey: ['device'] });
    },
  });
}

export function useDeviceEvents(id: string) {
  return useQuery({
    queryKey: ['device', id, 'events'],
    queryFn: () => ask(api.GET('/api/devices/{id}/events', { params: { path: { id } } })),
  });
}

export function useDeviceHealth(id: string) {
  return useQuery({
    queryKey: ['device', id, 'health'],
    queryFn: () => ask(api.GET('/api/devices/{id}/health', { params: { path: { id } } })),
  });
}

/** Asking starts the pairing; the answer may take 15 seconds. */
export function useQr(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ['qr', id],
    queryFn: ({ signal }) =>
      askRaw<Qr>(`/api/devices/${id}/qr`, { headers: { Accept: 'application/json' }, signal }),
    enabled,
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    retry: (times, error) => toProblem(error).code === 'qr_not_ready' && times < 3,
  });
}

export function usePairCode(id: string) {
  return useMutation({
    mutationFn: (phone: string) =>
      ask(api.POST('/api/devices/{id}/pair-code', { params: { path: { id } }, body: { phone } })),
  });
}

export function useSimulate(id: string) {
  return useDeviceChange((body: Simulation) =>
    ask(api.POST('/api/devices/{id}/simulate', { params: { path: { id } }, body })),
  );
}

/** The newest messages of a device, for its activity log. */
export function useDeviceMessages(id: string) {
  return useQuery({
    queryKey: ['messages', { device: id }],
    queryFn: () => ask(api.GET('/api/messages', { params: { query: { device_id: id, limit: 50, sort: '-created_at' } } })),
  });
}

function useSend<Input>(send: (input: Input) => Promise<unknown>) {
  const cache = useQueryClient();
  return useMutation({ mutationFn: send, onSuccess: () => cache.invalidateQueries({ queryKey: ['messages'] }) });
}

export function useSendText() {
  return useSend((body: { device_id: string; phone: string; message: string; confirm_opted_out: boolean }) =>
    ask(api.POST('/api/send/message', { body })),
  );
}

export function useSendFile() {
  return useSend((body: { device_id: string; phone: string; caption: string; media_id: string; confirm_opted_out: boolean }) => ask(api.POST('/api/send/file', { body })));
}
