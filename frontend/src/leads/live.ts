// Leads: an import that moves on writes its own place in the cache; its end refreshes what it changed.
import type { LiveRules } from '@/api/live';
import { importsChanged } from './imports/hooks';

export const leadLiveRules: LiveRules = {
  'job.progress': (data, cache) => {
    cache.setQueryData(['jobs', data.id], data);
    if (data.kind === 'leads.import' && (data.status === 'done' || data.status === 'failed' || data.status === 'cancelled')) {
      importsChanged(cache);
    }
  },
};
