import { describe, expect, it } from 'vitest';
import type { Device } from '@/api/types';
import { canSend, heldBy } from './held';

const device = (id: string, state: string, sending_paused = false) => ({ id, state, sending_paused }) as Device;

describe('devices that hold messages back', () => {
  it('send when they are online and not paused', () => {
    expect(canSend(device('1', 'online'))).toBe(true);
    expect(canSend(device('1', 'online', true))).toBe(false);
    expect(canSend(device('1', 'restricted'))).toBe(false);
  });

  it('are told with what waits for them, the largest first', () => {
    const devices = [device('a', 'offline'), device('b', 'online'), device('c', 'restricted'), device('d', 'offline'), device('e', 'online', true)];
    const rows = [
      { device_id: 'a', pending_leads: 2 },
      { device_id: 'b', pending_leads: 9 },
      { device_id: 'c', pending_leads: 5 },
      { device_id: 'd', pending_leads: 0 },
      { device_id: 'e', pending_leads: 1 },
    ];
    expect(heldBy(devices, rows).map((held) => [held.device.id, held.count])).toEqual([['c', 5], ['a', 2], ['e', 1]]);
  });
});
