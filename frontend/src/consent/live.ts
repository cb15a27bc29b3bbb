// Consent: an opt-out or a hold anywhere refreshes the lists and the count in the navigation.
import type { LiveRules } from '@/api/live';
import { refreshSoon } from '@/api/refresh';

export const consentLiveRules: LiveRules = {
  'lead.opted_out': (_data, cache) => {
    for (const key of ['opt-outs', 'person', 'lead', 'leads']) refreshSoon(cache, [key], 1_000);
  },
  'lead.opted_in': (_data, cache) => {
    for (const key of ['opt-outs', 'person', 'lead', 'leads']) refreshSoon(cache, [key], 1_000);
  },
  'hold.changed': (_data, cache) => refreshSoon(cache, ['holds'], 500),
};
