// Workers: every device at its work.
import { count } from '../count';

export const workers = {
  title: 'Workers',
  lead: 'What each device has to send, when it goes on, and what it waits for.',
  often: 'Refresh every 5 seconds',
  search: 'Search by device',
  empty: 'No device yet',
  emptyHint: 'Add a device; what it sends is shown here.',
  boxes: {
    active: 'Active',
    idle: 'Idle',
    stopped: 'Stopped',
    error: 'In error',
    queued: 'Queued',
    processed: 'Sent today',
    failed: 'Failed today',
    rate: 'Per minute',
  },
  columns: {
    device: 'Device',
    state: 'Device state',
    worker: 'Worker',
    work: 'At work on',
    queue: 'Queue',
    sent: 'Sent',
    failed: 'Failed',
    next: 'Next, and what it waits for',
    last: 'Last activity',
  },
  actionsOf: (device: string) => `Actions for ${device}`,
  actions: { stop: 'Stop', start: 'Start', restart: 'Restart the line' },
  done: {
    stopped: 'Stopped. What is queued waits.',
    started: 'Started',
    restarted: 'The line is being opened anew.',
  },
  resumeFailed: 'Resume failed',
  resumeAll: 'Resume all',
  resumed: (n: number, left: number) =>
    left === 0 ? `${count(n, 'device', 'devices')} resumed` : `${count(n, 'device', 'devices')} resumed, ${count(left, 'needs', 'need')} a person`,
  stopAll: {
    open: 'Stop all',
    title: 'Stop sending on all devices?',
    words: (n: number, held: number) =>
      n === 0 ? 'No device is sending.' : `${count(n, 'device stops', 'devices stop')}, and ${count(held, 'queued message waits', 'queued messages wait')}.`,
    stays: 'Nothing is lost. A message on its way may still arrive. The lines stay open.',
    type: (n: number) => `Type ${n} to confirm`,
    act: 'Stop all',
    done: 'All devices are stopped.',
  },
};
