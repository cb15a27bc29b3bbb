// What each folder does with live events, put together.
import type { LiveRules } from '@/api/live';
import { campaignLiveRules } from '@/campaigns/live';
import { consentLiveRules } from '@/consent/live';
import { dashboardLiveRules } from '@/dashboard/live';
import { deviceLiveRules } from '@/devices/live';
import { leadLiveRules } from '@/leads/live';

export const liveRules: LiveRules[] = [deviceLiveRules, leadLiveRules, campaignLiveRules, consentLiveRules, dashboardLiveRules];
