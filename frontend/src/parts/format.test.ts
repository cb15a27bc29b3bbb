import { describe, expect, it } from 'vitest';
import { formatIn, phone } from './format';

describe('phones', () => {
  it('are grouped with the country code first', () => {
    expect(phone('60123456789')).toBe('60 12 345 6789');
    expect(phone('12025550123')).toBe('1 202 555 0123');
    expect(phone('35312345678')).toBe('353 1 234 5678');
    expect(phone(null)).toBe('');
  });
});

describe('instants', () => {
  const kl = formatIn('Asia/Kuala_Lumpur');
  const now = new Date('2026-12-03T10:00:00Z');

  it('are shown in the reader’s zone', () => {
    expect(kl.moment('2026-12-03T02:00:00Z')).toBe('Thu 3 Dec 2026, 10:00');
    expect(kl.utc('2026-12-03T02:00:00Z')).toBe('2026-12-03 02:00');
  });

  it('are short as in chats: time, Yesterday, weekday, date', () => {
    expect(kl.chat('2026-12-03T02:00:00Z', now)).toBe('10:00');
    expect(kl.chat('2026-12-01T17:00:00Z', now)).toBe('Yesterday');
    expect(kl.chat('2026-11-29T02:00:00Z', now)).toBe('Sunday');
    expect(kl.chat('2026-10-29T02:00:00Z', now)).toBe('Thu 29 Oct 2026');
  });

  it('say how far away they are', () => {
    expect(kl.relative('2026-12-03T13:00:00Z', now)).toBe('in 3 hours');
  });
});
