import { expect, it } from 'vitest';
import { lastDays } from './span';

it('a span ends on the reader’s today', () => {
  const lateEvening = new Date('2026-12-01T20:00:00Z');
  expect(lastDays(7, 'Asia/Kuala_Lumpur', lateEvening)).toEqual({ start_date: '2026-11-26', end_date: '2026-12-02' });
  expect(lastDays(1, 'UTC', lateEvening)).toEqual({ start_date: '2026-12-01', end_date: '2026-12-01' });
});
