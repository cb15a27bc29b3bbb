// The filters of the list as they stand in the address. Pure: from the address, to the API, and what is set.
import type { ApiFilter, TargetStatus } from './types';

export interface LeadSearch {
  q?: string;
  status?: TargetStatus;
  niche?: string;
  /** A name, `has` or `none`. */
  trigger?: string;
  device?: string;
  import?: string;
  consent?: ConsentFilter;
  sort?: Sort;
  /** The lead in the drawer: its id, or `new`. */
  lead?: string;
}

/** What a lead's person agreed to, or that they opted out. */
export const consentFilters = ['granted', 'none', 'withdrawn', 'opted_out'] as const;
export type ConsentFilter = (typeof consentFilters)[number];

export const sorts = ['created_at', '-created_at', 'name', '-name'] as const;
export type Sort = (typeof sorts)[number];
export const DEFAULT_SORT: Sort = '-created_at';

/** The keys that choose leads; the others only say how they are shown. */
export const filterKeys = ['q', 'status', 'niche', 'trigger', 'device', 'import', 'consent'] as const;
export type FilterKey = (typeof filterKeys)[number];

/** Reads an address; what is not known or empty is left out. Numbers are texts that look like numbers. */
export function readSearch(raw: Record<string, unknown>): LeadSearch {
  return {
    q: text(raw.q),
    status: raw.status === 'prospect' || raw.status === 'customer' ? raw.status : undefined,
    niche: text(raw.niche),
    trigger: text(raw.trigger),
    device: text(raw.device),
    import: text(raw.import),
    consent: consentFilters.find((each) => each === raw.consent),
    sort: sorts.find((sort) => sort === raw.sort),
    lead: text(raw.lead),
  };
}

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** The filter in the words of the API; a list of one device stays with it. */
export function toApi(search: LeadSearch, deviceId?: string): ApiFilter {
  const filter: ApiFilter = {
    device_id: deviceId ?? search.device,
    target_status: search.status,
    niche: search.niche,
    trigger: search.trigger,
    q: search.q,
    import_id: search.import,
    consent: search.consent === 'opted_out' ? undefined : search.consent,
    opted_out: search.consent === 'opted_out' ? true : undefined,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** Whether anything narrows the list; the device of a device's own list does not count. */
export function isFiltered(search: LeadSearch): boolean {
  return filterKeys.some((key) => search[key] !== undefined);
}

/** The address without any filter. */
export const noFilter: LeadSearch = Object.fromEntries(filterKeys.map((key) => [key, undefined]));

/** For a query string of the API. */
export function toQuery(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
}
