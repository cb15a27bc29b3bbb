// The dashboard: counted anew soon after something moved.
import type { LiveRule, LiveRules } from '@/api/live';
import { refreshSoon } from '@/api/refresh';

const recount: LiveRule = (_data, cache) => refreshSoon(cache, ['dashboard'], 2_000);

export const dashboardLiveRules: LiveRules = {
  'device.status': recount,
  'device.paired': recount,
  'device.logged_out': recount,
  'campaign.status': recount,
  'campaign.progress': recount,
  'job.progress': recount,
};
