// Names for what the API says about campaigns, plans, reports and recipients.
import type { Campaign } from '@/api/types';

export type {
  Campaign,
  CampaignIn,
  Counts,
  DevicePlan,
  DeviceReport as Report,
  DeviceRow,
  Facets,
  Lead,
  Message,
  Plan,
} from '@/api/types';

export type Target = Campaign['target_status'];
export type WhenOffline = Campaign['when_offline'];
export type LatePolicy = Campaign['late_policy'];

// Lists that can also be had as CSV have no type in the OpenAPI file.

export interface Recipient {
  lead_id: string;
  name: string;
  phone: string;
  device_id: string | null;
  device_name: string | null;
  earliest_at: string | null;
  text: string;
  included: boolean;
  reason: string | null;
  /** What moved the time: `quiet_hours`, `device_limit`. */
  moved_by?: string | null;
}

export interface ReportLead {
  lead_id: string | null;
  message_id: string;
  name: string;
  phone: string;
  status: string;
  state: string;
  sent_at: string | null;
  error: string | null;
  reason: string | null;
}
