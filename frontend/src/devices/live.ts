// Devices: their state arrives by itself.
import type { LiveRules } from '@/api/live';

export const deviceLiveRules: LiveRules = {
  'device.status': (data, cache) => {
    void cache.invalidateQueries({ queryKey: ['devices'] });
    void cache.invalidateQueries({ queryKey: ['device', data.device_id] });
  },
  'device.paired': (data, cache) => {
    void cache.invalidateQueries({ queryKey: ['devices'] });
    void cache.invalidateQueries({ queryKey: ['device', data.device_id] });
  },
  'device.logged_out': (data, cache) => {
    void cache.invalidateQueries({ queryKey: ['devices'] });
    void cache.invalidateQueries({ queryKey: ['device', data.device_id] });
  },
  'message.status': (_data, cache) => {
    void cache.invalidateQueries({ queryKey: ['messages'] });
  },
};
