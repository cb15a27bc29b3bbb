// Which states count as what on the list, and what a device's main button is. Pure.
import type { Device } from '@/api/types';

export type Counter = 'all' | 'online' | 'offline' | 'scan' | 'restricted';
export const counters: Counter[] = ['all', 'online', 'offline', 'scan', 'restricted'];

const NEEDS_SCAN = new Set(['new', 'pairing', 'logged_out']);
const RESTRICTED = new Set(['restricted', 'banned_until', 'outdated', 'refused']);

/** The one counter, besides all, that a state belongs to. */
export function counterOf(state: string): Exclude<Counter, 'all'> {
  if (state === 'online') return 'online';
  if (NEEDS_SCAN.has(state)) return 'scan';
  if (RESTRICTED.has(state)) return 'restricted';
  return 'offline';
}

export function countBy(devices: Device[]): Record<Counter, number> {
  const counts: Record<Counter, number> = { all: devices.length, online: 0, offline: 0, scan: 0, restricted: 0 };
  for (const device of devices) counts[counterOf(device.state)] += 1;
  return counts;
}

export function matching(devices: Device[], counter: Counter, words: string): Device[] {
  const wanted = words.trim().toLowerCase();
  const digits = wanted.replace(/\D/g, '');
  return devices.filter((device) => {
    if (counter !== 'all' && counterOf(device.state) !== counter) return false;
    if (wanted === '') return true;
    return device.name.toLowerCase().includes(wanted) || (digits !== '' && (device.phone ?? '').includes(digits));
  });
}

export type MainAction = 'scan' | 'token' | 'reconnect' | 'open' | 'whatToDo';

/** The one thing to do with a device in this state; one with credentials has no code to scan. */
export function mainAction({ state, uses_credentials }: Pick<Device, 'state' | 'uses_credentials'>): MainAction {
  if (state === 'new' || state === 'pairing' || state === 'logged_out') return uses_credentials ? 'token' : 'scan';
  if (state === 'offline' || state === 'stopped') return 'reconnect';
  if (state === 'online' || state === 'connecting') return 'open';
  return 'whatToDo';
}

const NEEDS_TOKEN = new Set(['token', 'no_credentials', 'number_gone']);

/** Whether another token may be what a device needs. */
export function needsToken(device: Pick<Device, 'state' | 'state_reason' | 'uses_credentials' | 'is_linked'>): boolean {
  if (!device.uses_credentials) return false;
  return !device.is_linked || (device.state === 'refused' && NEEDS_TOKEN.has(device.state_reason ?? ''));
}

/** Whether a QR code would help: there is no link yet, or no longer. */
export function canLink(device: Pick<Device, 'is_linked'>): boolean {
  return !device.is_linked;
}
