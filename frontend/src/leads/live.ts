// Leads: an import that moves on writes its own place in the cache; its end refreshes what it changed.
import type { LiveRules } from '@/api/live';
import { refreshSoon } from '@/api/refresh';
import { importsChanged } from './imports/hooks';

export const leadLiveRules: LiveRules = {
  // The event does not name the lead; only a history that is open is read again.
  'message.status': (_data, cache) => refreshSoon(cache, ['lead-messages'], 1_500),
  'job.progress': (data, cache) => {
    cache.setQueryData(['jobs', data.id], data);
    if (data.kind === 'leads.import' && (data.status === 'done' || data.status === 'failed' || data.status === 'cancelled')) {
      importsChanged(cache);
    }
  },
};
