// Messages of a running campaign that wait for a device which cannot send now.
import type { Device } from '@/api/types';
import { useDevices } from '@/devices/hooks';
import { isRunning, waiting } from './actions';
import { useReport } from './hooks';
import type { Campaign, DeviceRow } from './types';

export interface Held {
  device: Device;
  /** Messages of this campaign that wait for it. */
  count: number;
}

export function canSend(device: Pick<Device, 'state' | 'sending_paused'>): boolean {
  return device.state === 'online' && !device.sending_paused;
}

/** The devices that hold messages back, those with most first. */
export function heldBy(devices: Device[], rows: Pick<DeviceRow, 'device_id' | 'pending_leads'>[]): Held[] {
  const waits = new Map(rows.map((row) => [row.device_id, row.pending_leads]));
  return devices
    .map((device) => ({ device, count: waits.get(device.id) ?? 0 }))
    .filter((held) => held.count > 0 && !canSend(held.device))
    .sort((a, b) => b.count - a.count);
}

/** The report is asked only while some device cannot send. `isStill`: all that waits, waits for such a device. */
export function useHeld(campaign: Campaign): { held: Held[]; isStill: boolean } {
  const { data: devices = [] } = useDevices();
  const mayHold = isRunning(campaign) && devices.some((device) => !canSend(device));
  const report = useReport(campaign.id, mayHold);
  const held = mayHold && report.data ? heldBy(devices, report.data.devices) : [];
  const count = held.reduce((sum, each) => sum + each.count, 0);
  return { held, isStill: count > 0 && count >= waiting(campaign.counts) };
}
