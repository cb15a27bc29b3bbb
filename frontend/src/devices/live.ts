// Devices: a change of state is read at once, figures and messages soon.
import type { LiveRule, LiveRules } from '@/api/live';
import { refreshSoon } from '@/api/refresh';

const changed: LiveRule = (data, cache) => {
  void cache.invalidateQueries({ queryKey: ['device', data.device_id] });
  refreshSoon(cache, ['devices'], 300);
};

export const deviceLiveRules: LiveRules = {
  'device.status': changed,
  'device.paired': changed,
  'device.logged_out': changed,
  'message.status': (data, cache) => {
    refreshSoon(cache, ['messages', { device: data.device_id }], 700);
    refreshSoon(cache, ['device', data.device_id], 3_000);
    refreshSoon(cache, ['devices'], 5_000);
  },
};
