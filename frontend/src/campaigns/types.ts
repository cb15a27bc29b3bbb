// What the API says about campaigns, plans, reports and recipients.

export interface Counts {
  total: number;
  pending: number;
  queued: number;
  sent: number;
  failed: number;
  skipped: number;
  unconfirmed: number;
  delivered: number;
  read: number;
  held: number;
  cancelled: number;
  suppressed: number;
  expired: number;
}

export interface Warning {
  code: string;
  message: string;
}

export type CampaignStatus = 'pending' | 'triggered' | 'processing' | 'paused' | 'finished' | 'failed' | 'cancelled';
export type Target = 'all' | 'prospect' | 'customer';
export type WhenOffline = 'wait' | 'skip';
export type LatePolicy = 'ask' | 'run' | 'skip';

export interface Campaign {
  id: string;
  title: string;
  niche: string;
  target_status: Target;
  message: string | null;
  image_url: string | null;
  media_id: string | null;
  campaign_date: string | null;
  time_schedule: string | null;
  time_zone: string;
  scheduled_at: string;
  min_delay_seconds: number;
  max_delay_seconds: number;
  device_ids: string[] | null;
  when_offline: WhenOffline;
  late_policy: LatePolicy;
  status: CampaignStatus;
  status_reason: string | null;
  is_editable: boolean;
  is_demo: boolean;
  counts: Counts;
  /** In percent; null before anything ended. */
  success_rate: number | null;
  rate_per_minute: number | null;
  eta_at: string | null;
  eta_late_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  created_at: string;
  updated_at: string;
  warnings: Warning[];
}

/** What a campaign is made or changed with. */
export interface CampaignBody {
  title: string;
  niche: string;
  target_status: Target;
  message: string | null;
  media_id: string | null;
  image_url?: string;
  campaign_date: string | null;
  time_schedule: string | null;
  time_zone: string;
  min_delay_seconds: number;
  max_delay_seconds: number;
  device_ids: string[] | null;
  when_offline: WhenOffline;
  late_policy: LatePolicy;
  hold?: boolean;
}

export interface DevicePlan {
  device_id: string;
  name: string;
  state: string;
  count: number;
  first_at: string;
  last_at: string;
}

export interface Plan {
  plan_id: string;
  plan_hash: string;
  matched: number;
  will_send: number;
  excluded: number;
  excluded_by_reason: Record<string, number>;
  devices: DevicePlan[];
  starts_at: string;
  eta_at: string | null;
  eta_late_at: string | null;
  warnings: Warning[];
}

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
}

export interface DeviceRow {
  device_id: string;
  name: string;
  status: string;
  state: string;
  total_leads: number;
  pending_leads: number;
  success_leads: number;
  failed_leads: number;
  skipped: number;
  unconfirmed: number;
  success_rate: number | null;
}

export interface Report {
  total_devices: number;
  active_devices: number;
  disconnected_devices: number;
  total_leads: number;
  pending_leads: number;
  success_leads: number;
  failed_leads: number;
  should_send: number;
  done_send: number;
  failed_send: number;
  remaining_send: number;
  skipped: number;
  skipped_by_reason: Record<string, number>;
  unconfirmed: number;
  devices: DeviceRow[];
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

export interface Message {
  id: string;
  campaign_id: string | null;
  device_id: string;
  device_name: string;
  lead_id: string | null;
  name: string;
  phone: string;
  message_type: 'text' | 'image';
  text: string | null;
  status: string;
  state: string;
  reason: string | null;
  waiting_for: string | null;
  hold_reason: string | null;
  error: string | null;
  attempts: number;
  scheduled_at: string;
  sent_at: string | null;
  delivered_at: string | null;
  read_at: string | null;
}

/** A stored picture. Sizes in bytes. */
export interface Media {
  id: string;
  url: string;
  mime: string;
  size: number;
  original_size: number;
  width: number | null;
  height: number | null;
}

export interface Lead {
  id: string;
  name: string;
  phone: string;
  niche: string;
  attributes: Record<string, unknown>;
}

export interface Facets {
  total: number;
  niches: { name: string; count: number }[];
}
