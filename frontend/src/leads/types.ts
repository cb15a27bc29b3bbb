// The words of the API about leads, and what this folder's forms send.
import type { BulkAction, BulkBody, BulkResult, Facets, Lead, LeadFilter, MadeLead, Message, TargetStatus } from '@/api/types';

export type { BulkAction, BulkBody, BulkResult, Facets, Lead, MadeLead, Message, TargetStatus };

/** The filters of the list, only those that are set. */
export type ApiFilter = { [Key in keyof LeadFilter]?: Exclude<LeadFilter[Key], null> };

/** What a form sends; fields left out keep their value. Lists go as arrays. */
export interface LeadBody {
  name?: string;
  phone?: string;
  device_id?: string;
  niche?: string[];
  target_status?: TargetStatus;
  additional_note?: string | null;
  trigger?: string[];
  attributes?: Record<string, string | null>;
  time_zone?: string | null;
}
