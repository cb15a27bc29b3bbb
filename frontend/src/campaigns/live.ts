// Campaigns: state and progress as they change.
import type { LiveRules } from '@/api/live';

export const campaignLiveRules: LiveRules = {
  'campaign.status': (_data, cache) => void cache.invalidateQueries({ queryKey: ['campaigns'] }),
  'campaign.progress': (_data, cache) => void cache.invalidateQueries({ queryKey: ['campaigns'] }),
};
