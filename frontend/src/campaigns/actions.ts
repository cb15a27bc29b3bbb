// What one can do with a campaign in its state, and what its numbers mean together. Pure.
import type { Campaign, Counts } from './types';

export type Action = 'start' | 'pause' | 'resume' | 'edit' | 'cancel' | 'report' | 'retry' | 'clone' | 'delete';

type Standing = Pick<Campaign, 'status' | 'is_editable' | 'scheduled_at'> & { counts?: Pick<Counts, 'failed'> };

/** The first one is the main one. */
export function actionsFor(campaign: Standing, now = Date.now()): Action[] {
  const retry: Action[] = canRetry(campaign) ? ['retry'] : [];
  switch (campaign.status) {
    case 'pending':
      return ['start', 'edit', 'cancel'];
    case 'triggered':
    case 'processing':
      return ['pause', 'cancel', ...retry];
    case 'paused':
      if (!campaign.is_editable) return ['resume', 'cancel', ...retry];
      // Not started: with its time still to come it goes back to waiting, else it starts.
      return Date.parse(campaign.scheduled_at) > now ? ['resume', 'start', 'edit', 'cancel'] : ['start', 'edit', 'cancel'];
    default:
      return ['report', ...retry, 'clone', 'delete'];
  }
}

/** Whether something failed that a person may look at sending again; a cancelled campaign is over for good. */
export function canRetry(campaign: Pick<Standing, 'status' | 'counts'>): boolean {
  return campaign.status !== 'cancelled' && (campaign.counts?.failed ?? 0) > 0;
}

export function isRunning(campaign: Pick<Campaign, 'status'>): boolean {
  return campaign.status === 'triggered' || campaign.status === 'processing';
}

export function hasStarted(campaign: Pick<Campaign, 'status' | 'is_editable'>): boolean {
  return campaign.status !== 'pending' && !campaign.is_editable;
}

/** The filter of messages for those that may still leave. */
export const WAITING = 'pending,queued';

/** Messages that may still leave. */
export function waiting(counts: Counts): number {
  return counts.pending + counts.queued;
}

/** Messages that reached their end, whichever. */
export function ended(counts: Counts): number {
  return counts.total - waiting(counts);
}

/** What should be sent: all but those left out and unconfirmed. */
export function should(counts: Counts): number {
  return waiting(counts) + counts.sent + counts.failed;
}
