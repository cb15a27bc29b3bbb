import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveLine, NOTE_AFTER_MS, POLL_EVERY_MS, waitBefore } from './live';

class FakeSocket {
  static all: FakeSocket[] = [];
  static readonly OPEN = 1;
  readyState = 0;
  sent: unknown[] = [];
  onopen = () => {};
  onmessage = (_event: { data: string }) => {};
  onclose = () => {};

  constructor(readonly address: string) {
    FakeSocket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  drop() {
    this.readyState = 3;
    this.onclose();
  }
  say(frame: object) {
    this.onmessage({ data: JSON.stringify(frame) });
  }
}

const last = () => FakeSocket.all.at(-1) as FakeSocket;

describe('the live line', () => {
  const cache = new QueryClient();
  const refresh = vi.spyOn(cache, 'invalidateQueries');
  const rule = vi.fn();
  let line: LiveLine;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('WebSocket', FakeSocket);
    FakeSocket.all = [];
    refresh.mockClear();
    rule.mockClear();
    line = new LiveLine(cache, [{ 'device.status': rule }], () => 'ws://test/ws');
    line.start();
  });
  afterEach(() => {
    line.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('waits 1, 2, 4 and at most 30 seconds between tries', () => {
    expect([0, 1, 2, 9].map(waitBefore)).toEqual([1000, 2000, 4000, 30_000]);
  });

  it('hands frames to the rule of their event and ignores what it cannot read', () => {
    last().open();
    last().say({ id: 3, event: 'device.status', data: { device_id: 'd' } });
    last().onmessage({ data: 'not json' });
    expect(rule).toHaveBeenCalledExactlyOnceWith({ device_id: 'd' }, cache);
  });

  it('comes back with the last id, follows again and refreshes once', () => {
    last().open();
    line.follow('device:1');
    last().say({ id: 8, event: 'x', data: {} });
    last().drop();
    vi.advanceTimersByTime(1000);
    last().open();
    expect(last().address).toBe('ws://test/ws?last_id=8');
    expect(last().sent).toEqual([{ subscribe: ['device:1'] }]);
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('says so after five seconds and then asks every fifteen until it is back', () => {
    last().open();
    last().drop();
    vi.advanceTimersByTime(NOTE_AFTER_MS - 1);
    expect(line.state).toBe('open');
    vi.advanceTimersByTime(1);
    expect(line.state).toBe('lost');
    vi.advanceTimersByTime(POLL_EVERY_MS * 2);
    expect(refresh).toHaveBeenCalledTimes(2);
    last().open();
    expect(line.state).toBe('open');
    refresh.mockClear();
    vi.advanceTimersByTime(POLL_EVERY_MS * 3);
    expect(refresh).not.toHaveBeenCalled();
  });

  it('reads everything anew when the gap was too large', () => {
    last().open();
    last().say({ event: 'resync' });
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('stops following only when the last one looks away', () => {
    last().open();
    const one = line.follow('campaign:1');
    const two = line.follow('campaign:1');
    one();
    two();
    expect(last().sent).toEqual([{ subscribe: ['campaign:1'] }, { unsubscribe: ['campaign:1'] }]);
  });

  it('stays quiet after stopping', () => {
    last().open();
    line.stop();
    last().drop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });
});
