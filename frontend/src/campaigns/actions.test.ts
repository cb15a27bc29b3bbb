import { describe, expect, it } from 'vitest';
import { actionsFor, should, ended, waiting } from './actions';
import type { Counts } from './types';

const at = '2026-11-21T10:00:00Z';
const before = Date.parse(at) - 1000;
const after = Date.parse(at) + 1000;

describe('what one can do', () => {
  it('follows the state', () => {
    expect(actionsFor({ status: 'pending', is_editable: true, scheduled_at: at })).toEqual(['start', 'edit', 'cancel']);
    expect(actionsFor({ status: 'processing', is_editable: false, scheduled_at: at })).toEqual(['pause', 'cancel']);
    expect(actionsFor({ status: 'paused', is_editable: false, scheduled_at: at })).toEqual(['resume', 'cancel']);
    expect(actionsFor({ status: 'finished', is_editable: false, scheduled_at: at })).toEqual(['report', 'clone', 'delete']);
  });
  it('offers to send failed ones again, but not of a cancelled campaign', () => {
    const ended = { is_editable: false, scheduled_at: at, counts: { failed: 2 } };
    expect(actionsFor({ ...ended, status: 'finished' })).toEqual(['report', 'retry', 'clone', 'delete']);
    expect(actionsFor({ ...ended, status: 'processing' })).toEqual(['pause', 'cancel', 'retry']);
    expect(actionsFor({ ...ended, status: 'paused' })).toEqual(['resume', 'cancel', 'retry']);
    expect(actionsFor({ ...ended, status: 'cancelled' })).toEqual(['report', 'clone', 'delete']);
    expect(actionsFor({ ...ended, status: 'failed', counts: { failed: 0 } })).toEqual(['report', 'clone', 'delete']);
  });
  it('lets a paused one that has not started wait for its time, or start', () => {
    const paused = { status: 'paused', is_editable: true, scheduled_at: at } as const;
    expect(actionsFor(paused, before)[0]).toBe('resume');
    expect(actionsFor(paused, after)[0]).toBe('start');
  });
});

it('adds up the counts', () => {
  const counts = { total: 20, pending: 1, queued: 4, sent: 9, failed: 2, skipped: 3, unconfirmed: 1 } as Counts;
  expect([waiting(counts), ended(counts), should(counts)]).toEqual([5, 15, 16]);
});
