import { describe, expect, it } from 'vitest';
import type { Device } from '@/api/types';
import { countBy, mainAction, matching, needsToken } from './groups';

const device = (name: string, state: string, phone: string | null = null) => ({ id: name, name, state, phone }) as Device;
const all = [device('Front desk', 'online', '60123456789'), device('Sales', 'logged_out'), device('Penang', 'restricted'), device('Ipoh', 'stopped')];

describe('devices', () => {
  it('count in one group each, and all together', () => {
    expect(countBy(all)).toEqual({ all: 4, online: 1, offline: 1, scan: 1, restricted: 1 });
  });

  it('are found by name, and by number however it is typed', () => {
    expect(matching(all, 'all', 'FRONT').map((one) => one.name)).toEqual(['Front desk']);
    expect(matching(all, 'all', '12 345').map((one) => one.name)).toEqual(['Front desk']);
    expect(matching(all, 'online', 'sales')).toEqual([]);
  });

  it('offer what their state needs most', () => {
    const actions = ['new', 'stopped', 'online', 'banned_until', 'replaced'].map((state) => mainAction(device('one', state)));
    expect(actions).toEqual(['scan', 'reconnect', 'open', 'whatToDo', 'whatToDo']);
  });

  it('with credentials are asked for a token, never for a scan', () => {
    const cloud = (state: string, more: Partial<Device> = {}) => ({ ...device('one', state), uses_credentials: true, is_linked: true, ...more }) as Device;
    expect(['new', 'logged_out', 'refused'].map((state) => mainAction(cloud(state)))).toEqual(['token', 'token', 'whatToDo']);
    expect(needsToken(cloud('refused', { state_reason: 'token' }))).toBe(true);
    expect(needsToken(cloud('refused', { state_reason: 'payment' }))).toBe(false);
    expect(needsToken(cloud('logged_out', { is_linked: false }))).toBe(true);
    expect(needsToken(cloud('online'))).toBe(false);
    expect(needsToken({ ...device('one', 'logged_out'), uses_credentials: false, is_linked: false })).toBe(false);
  });
});
