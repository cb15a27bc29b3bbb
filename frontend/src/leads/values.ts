// The values of a lead's form: from a lead, checked, and what of them changed. Pure.
import type { Words } from '@/words';
import type { Lead, LeadBody, TargetStatus } from './types';

export interface Extra {
  /** Keeps the row's identity while its name is typed. */
  key: number;
  name: string;
  value: string;
}

export interface LeadValues {
  name: string;
  phone: string;
  device_id: string | null;
  niche: string[];
  target_status: TargetStatus;
  trigger: string[];
  additional_note: string;
  time_zone: string | null;
  /** What a new person agreed to; empty records nothing. */
  consent: string;
  attributes: Extra[];
}

/** A number as people write it; the server has the last word. */
export function looksLikePhone(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  return digits.length >= 5 && digits.length <= 15;
}

export function valuesOf(lead: Lead | null, deviceId: string | null): LeadValues {
  return {
    name: lead?.name ?? '',
    phone: lead?.phone ?? '',
    device_id: lead === null ? deviceId : lead.device_id,
    niche: lead?.niches ?? [],
    target_status: lead?.target_status ?? 'prospect',
    trigger: lead?.triggers ?? [],
    additional_note: lead?.additional_note ?? '',
    time_zone: lead?.time_zone ?? null,
    consent: '',
    attributes: Object.entries(lead?.attributes ?? {}).map(([name, value], key) => ({ key, name, value })),
  };
}

export type NewLead = LeadBody & Required<Pick<LeadBody, 'name' | 'phone' | 'device_id'>>;

/** What to send for a new lead; without a device the server says so at its field. */
export function newBody(values: LeadValues): NewLead {
  return {
    name: values.name,
    phone: values.phone,
    device_id: values.device_id ?? '',
    niche: values.niche,
    target_status: values.target_status,
    trigger: values.trigger,
    additional_note: values.additional_note || null,
    attributes: extras(values),
    time_zone: values.time_zone,
    ...(values.consent.trim() === '' ? {} : { consent: true, consent_wording: values.consent.trim() }),
  };
}

/** What to send for a lead that exists: only what differs, so that nobody else's change is undone. */
export function changedBody(lead: Lead, values: LeadValues): LeadBody {
  const was = valuesOf(lead, null);
  const now = newBody(values);
  const body: LeadBody = {};
  for (const key of ['name', 'phone', 'niche', 'target_status', 'trigger', 'additional_note', 'time_zone'] as const) {
    if (JSON.stringify(was[key]) !== JSON.stringify(values[key])) Object.assign(body, { [key]: now[key] });
  }
  if (values.device_id !== null && values.device_id !== was.device_id) body.device_id = values.device_id;
  const given = extras(values);
  const gone = Object.keys(lead.attributes).filter((name) => !(name in given));
  const differs = Object.entries(given).filter(([name, value]) => lead.attributes[name] !== value);
  if (gone.length > 0 || differs.length > 0) {
    body.attributes = { ...Object.fromEntries(gone.map((name) => [name, null])), ...Object.fromEntries(differs) };
  }
  return body;
}

function extras(values: LeadValues): Record<string, string> {
  return Object.fromEntries(values.attributes.map(({ name, value }) => [name.trim(), value]));
}

/** The checks of the form, for Mantine's `validate`. */
export function checks(t: Words['leads']['form']) {
  return {
    name: (name: string) => (name.trim() === '' ? t.nameMissing : null),
    phone: (phone: string) => (phone.trim() === '' ? t.phoneMissing : looksLikePhone(phone) ? null : t.phoneWrong),
    device_id: (id: string | null) => (id === null ? t.deviceMissing : null),
    attributes: {
      name: (name: string, values: LeadValues) => extraProblem(t, name.trim(), values.attributes),
    },
  };
}

function extraProblem(t: Words['leads']['form'], name: string, all: Extra[]): string | null {
  if (name === '') return t.extraNameMissing;
  if (!/^[A-Za-z][A-Za-z0-9_]{0,39}$/.test(name)) return t.extraNameWrong;
  if (['name', 'phone', 'niche'].includes(name)) return t.extraNameTaken;
  return all.filter((each) => each.name.trim() === name).length > 1 ? t.extraNameTwice : null;
}
