// What the editor holds, how it becomes a request, and what can be checked before asking the server. Pure.
import { LONGEST_CAPTION, type StoredFile } from '@/parts/files';
import type { Words } from '@/words';
import type { Campaign, CampaignIn, LatePolicy, Target, WhenOffline } from '../types';
import { steps, type Step } from './steps';

/** The longest text WhatsApp takes, in characters (api.md 1.1). */
export const LONGEST_TEXT = 4096;
export const DELAYS: [number, number] = [10, 30];
export const LONGEST_DELAY = 86_400;

export interface Draft {
  title: string;
  /** All niches; else those listed. */
  is_for_all: boolean;
  niches: string[];
  target_status: Target;
  message: string;
  file: StoredFile | null;
  is_now: boolean;
  campaign_date: string | null;
  time_schedule: string;
  time_zone: string;
  min_delay_seconds: number | string;
  max_delay_seconds: number | string;
  has_all_devices: boolean;
  device_ids: string[];
  when_offline: WhenOffline;
  late_policy: LatePolicy;
  /** Numbers stricter than the policy, kept as they came. */
  rules: Campaign['rules'];
  /** So many people go ahead of the rest; null: all at once. */
  canary: number | null;
}

/** Which step shows a field of the form. */
export const stepOf: Record<keyof Draft, Step> = {
  title: 'basics',
  is_for_all: 'basics',
  niches: 'basics',
  target_status: 'basics',
  message: 'message',
  file: 'message',
  is_now: 'when',
  campaign_date: 'when',
  time_schedule: 'when',
  time_zone: 'when',
  min_delay_seconds: 'when',
  max_delay_seconds: 'when',
  has_all_devices: 'when',
  device_ids: 'when',
  when_offline: 'when',
  late_policy: 'when',
  rules: 'when',
  canary: 'plan',
};

/** Fields the API calls otherwise. */
export const renames: Record<string, string> = { niche: 'niches', media_id: 'file', image_url: 'file' };

export function emptyDraft(zone: string): Draft {
  return {
    title: '',
    is_for_all: false,
    niches: [],
    target_status: 'all',
    message: '',
    file: null,
    is_now: true,
    campaign_date: null,
    time_schedule: '',
    time_zone: zone,
    min_delay_seconds: DELAYS[0],
    max_delay_seconds: DELAYS[1],
    has_all_devices: true,
    device_ids: [],
    when_offline: 'wait',
    late_policy: 'ask',
    rules: {},
    canary: null,
  };
}

export function draftOf(campaign: Campaign): Draft {
  const isForAll = campaign.niche.trim().toLowerCase() === 'all';
  return {
    title: campaign.title,
    is_for_all: isForAll,
    niches: isForAll ? [] : entries(campaign.niche),
    target_status: campaign.target_status,
    message: campaign.message ?? '',
    file: fileOfCampaign(campaign),
    is_now: campaign.campaign_date === null && campaign.time_schedule === null,
    campaign_date: campaign.campaign_date,
    time_schedule: campaign.time_schedule ?? '',
    time_zone: campaign.time_zone,
    min_delay_seconds: campaign.min_delay_seconds,
    max_delay_seconds: campaign.max_delay_seconds,
    has_all_devices: campaign.device_ids === null,
    device_ids: campaign.device_ids ?? [],
    when_offline: campaign.when_offline,
    late_policy: campaign.late_policy,
    rules: campaign.rules,
    canary: campaign.canary,
  };
}

/** The file of a stored campaign. */
export function fileOfCampaign({ media }: Campaign): StoredFile | null {
  return media === null ? null : { media_id: media.id, url: media.url, kind: media.kind, name: media.name, size: media.size, original_size: null };
}

export function entries(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

export function nicheOf(draft: Draft): string {
  return draft.is_for_all ? 'all' : draft.niches.join(',');
}

export function bodyOf(draft: Draft): CampaignIn {
  return {
    title: draft.title.trim(),
    niche: nicheOf(draft),
    target_status: draft.target_status,
    message: draft.message === '' ? null : draft.message,
    media_id: draft.file?.media_id ?? null,
    campaign_date: draft.is_now ? null : draft.campaign_date,
    time_schedule: draft.is_now || draft.time_schedule === '' ? null : draft.time_schedule.slice(0, 5),
    time_zone: draft.time_zone,
    min_delay_seconds: Number(draft.min_delay_seconds),
    max_delay_seconds: Number(draft.max_delay_seconds),
    device_ids: draft.has_all_devices ? null : draft.device_ids,
    when_offline: draft.when_offline,
    late_policy: draft.late_policy,
    rules: draft.rules,
    canary: draft.canary,
  };
}

/** A body that asks only how many leads match: the rest is filled in. */
export function countBodyOf(draft: Draft): CampaignIn | null {
  if (!draft.is_for_all && draft.niches.length === 0) return null;
  const body = bodyOf({ ...draft, is_now: true, min_delay_seconds: DELAYS[0], max_delay_seconds: DELAYS[1], has_all_devices: true });
  return { ...body, title: body.title || '–', message: '–', media_id: null };
}

type Check = (draft: Draft, t: Words['campaigns']['editor']['wrong'], today: string) => string | null;

const checks: Partial<Record<keyof Draft, Check>> = {
  title: (draft, t) => (draft.title.trim() === '' ? t.title : draft.title.trim().length > 200 ? t.longTitle : null),
  niches: (draft, t) => (!draft.is_for_all && draft.niches.length === 0 ? t.niches : null),
  message: (draft, t) => {
    if (draft.message.trim() === '' && draft.file === null) return t.message;
    if (draft.file?.kind === 'audio' && draft.message.trim() !== '') return t.noCaption;
    const over = lengthOf(draft.message) - (draft.file === null ? LONGEST_TEXT : LONGEST_CAPTION);
    if (over > 0) return draft.file === null ? t.longMessage(over) : t.longCaption(over);
    return null;
  },
  campaign_date: (draft, t, today) => {
    if (draft.is_now) return null;
    if (!draft.campaign_date) return t.date;
    return draft.campaign_date < today ? t.pastDate : null;
  },
  time_schedule: (draft, t) => (!draft.is_now && draft.time_schedule === '' ? t.time : null),
  min_delay_seconds: (draft, t) => (isDelay(draft.min_delay_seconds) ? null : t.delay),
  max_delay_seconds: (draft, t) => {
    if (!isDelay(draft.max_delay_seconds)) return t.delay;
    return Number(draft.max_delay_seconds) < Number(draft.min_delay_seconds) ? t.maxBelowMin : null;
  },
  device_ids: (draft, t) => (!draft.has_all_devices && draft.device_ids.length === 0 ? t.devices : null),
};

/** What is wrong, by field; empty when the server may be asked. `today` is the day in the draft's zone. */
export function wrongFields(draft: Draft, t: Words['campaigns']['editor']['wrong'], today = dayIn(draft.time_zone)): Partial<Record<keyof Draft, string>> {
  const found: Partial<Record<keyof Draft, string>> = {};
  for (const [field, check] of Object.entries(checks) as [keyof Draft, Check][]) {
    const words = check(draft, t, today);
    if (words !== null) found[field] = words;
  }
  return found;
}

/** Characters as the server counts them: an emoji is one, not two. */
export function lengthOf(text: string): number {
  return [...text].length;
}

function isDelay(value: number | string): boolean {
  return value !== '' && Number.isFinite(Number(value)) && Number(value) >= 0 && Number(value) <= LONGEST_DELAY;
}

/** Today's date in a zone, as YYYY-MM-DD. */
export function dayIn(zone: string, at = new Date()): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at);
}

/** The step to show first for these fields, in the order of the steps. */
export function firstStep(fields: string[]): Step | null {
  return steps.find((step) => fields.some((field) => stepOf[field.split(/[.[]/)[0] as keyof Draft] === step)) ?? null;
}
