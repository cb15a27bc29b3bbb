// Leads: an import that moves on.
import type { LiveRules } from '@/api/live';

export const leadLiveRules: LiveRules = {
  'job.progress': (_data, cache) => {
    void cache.invalidateQueries({ queryKey: ['jobs'] });
    void cache.invalidateQueries({ queryKey: ['imports'] });
  },
};
