// What the API says about leads and imports, in the words of this folder.

export type TargetStatus = 'prospect' | 'customer';

export interface Lead {
  id: string;
  person_id: string;
  device_id: string | null;
  name: string;
  phone: string;
  niches: string[];
  target_status: TargetStatus;
  additional_note: string | null;
  triggers: string[];
  attributes: Record<string, string>;
  time_zone: string | null;
  source: string;
  import_id: string | null;
  created_at: string;
  updated_at: string;
}

export type MadeLead = Lead & { warnings: string[] };

export interface Facets {
  total: number;
  target_status: Record<string, number>;
  niches: { name: string; count: number }[];
  triggers: { name: string; count: number }[];
}

/** What a form sends; fields left out keep their value. */
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

export type BulkAction =
  | 'update'
  | 'delete'
  | 'add_niches'
  | 'remove_niches'
  | 'add_triggers'
  | 'remove_triggers'
  | 'move_device';

export interface BulkBody {
  action: BulkAction;
  ids?: string[];
  filter?: ApiFilter;
  set?: LeadBody;
  dry_run?: boolean;
}

export interface BulkResult {
  matched: number;
  changed: number;
  unchanged: number;
  errors: { id: string; code: string; message: string }[];
}

/** The filters of `GET /api/leads`. */
export interface ApiFilter {
  device_id?: string;
  target_status?: TargetStatus;
  niche?: string;
  trigger?: string;
  q?: string;
  import_id?: string;
}
