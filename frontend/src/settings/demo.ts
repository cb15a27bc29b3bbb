// The demo: whether its data is here, start it, remove it.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { useDevices } from '@/devices/hooks';

/** Demo data is present while one of its devices is. */
export function useHasDemo(): boolean {
  const devices = useDevices();
  return devices.data?.some((device) => device.is_demo === true) ?? false;
}

export function useStartDemo() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.POST('/api/demo')),
    onSuccess: () => cache.invalidateQueries(),
  });
}

export function useRemoveDemo() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.DELETE('/api/demo')),
    onSuccess: () => cache.invalidateQueries(),
  });
}
