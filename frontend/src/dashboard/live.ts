// The dashboard: counted anew when something moved.
import type { LiveRules } from '@/api/live';

const recount: LiveRules[string] = (_data, cache) => void cache.invalidateQueries({ queryKey: ['dashboard'] });

export const dashboardLiveRules: LiveRules = {
  'device.status': recount,
  'device.paired': recount,
  'campaign.status': recount,
  'campaign.progress': recount,
  'job.progress': recount,
};
