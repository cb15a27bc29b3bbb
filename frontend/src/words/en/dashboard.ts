// The first page.
import { count, number } from '../count';

export const dashboard = {
  title: 'Dashboard',
  hello: (name: string) => `Good to see you, ${name}.`,
  updated: (when: string) => `Updated ${when}`,
  range: 'Days',
  ranges: { '1': 'Today', '7': '7 days', '30': '30 days', '90': '90 days' } as Record<string, string>,
  attention: {
    title: 'Needs attention',
    allWell: 'All is well.',
    allWellHint: 'Nothing waits for a person.',
    since: 'since',
    until: (when: string) => `until ${when}`,
    look: 'Look',
    scan: 'Scan QR',
    kinds: {
      device: (name: string, words: string) => `${name}: ${words}`,
      campaign: (name: string, words: string) => `“${name}” is paused: ${words}`,
      unconfirmed: (name: string, n: number) => `“${name}”: ${count(n, 'message', 'messages')} may or may not have arrived`,
    },
  },
  devices: { title: 'Devices', total: 'All', active: 'Online', offline: 'Offline', attention: 'Need attention' },
  leads: { title: 'Leads', total: 'All', new: 'New in these days', pooled: 'Without a device' },
  campaigns: {
    title: 'Campaigns',
    total: 'Campaigns',
    should: 'Should send',
    done: 'Done',
    failed: 'Failed',
    remaining: 'Remaining',
  },
  sending: {
    title: 'Now sending',
    nothing: 'Nothing is being sent at the moment.',
    pause: 'Pause',
    paused: 'Paused. It stops after at most one more message per device.',
    progress: (title: string) => `Progress of ${title}`,
  },
  next: { title: 'Next up', nothing: 'Nothing is planned.', plan: 'New campaign' },
  chart: {
    title: 'Messages per day',
    sent: 'Sent',
    delivered: 'Delivered',
    read: 'Read',
    failed: 'Failed',
    day: 'Day',
    none: 'No messages in these days.',
    asTable: 'As a table',
    asChart: 'As a chart',
    summary: (sent: number, failed: number, days: number) =>
      `${count(sent, 'message', 'messages')} sent and ${number(failed)} failed in ${count(days, 'day', 'days')}.`,
  },
  start: {
    title: 'First steps',
    lead: 'Four things, in this order.',
    steps: {
      device: ['Add a device', 'A simulated phone is enough to try everything.'],
      leads: ['Import leads', 'From a spreadsheet, with a dry run first.'],
      campaign: ['Make a campaign', 'A text, an audience, a time.'],
      sent: ['Start it and watch', 'Messages get their ticks while you look.'],
    } as Record<'device' | 'leads' | 'campaign' | 'sent', [string, string]>,
    done: 'done',
    demo: 'Or take the guided demo',
  },
  guide: {
    title: 'Guided demo',
    lead: 'Tick off as you go. Nothing leaves the simulator.',
    steps: {
      watch: ['Start “Welcome” and watch', 'The campaign is ready. Start it and see the ticks appear.'],
      scan: ['Link a simulated phone', 'Add a device and let it scan the QR code.'],
      import: ['Import the sample file', 'The dry run shows wrong rows before anything is stored.'],
      plan: ['Plan a campaign of your own', 'See who gets what, when, and who is left out and why.'],
      drop: ['Let a device drop', 'Take it offline in its simulator tab while a campaign runs, then bring it back.'],
      report: ['Read the report', 'Every count opens its list of people.'],
    } as Record<'watch' | 'scan' | 'import' | 'plan' | 'drop' | 'report', [string, string]>,
  },
};
