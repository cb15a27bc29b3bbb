import { describe, expect, it } from 'vitest';
import { en } from '@/words/en';
import { changedBody, checks, looksLikePhone, newBody, valuesOf } from './values';
import type { Lead } from './types';

const lead: Lead = {
  id: 'l1',
  person_id: 'p1',
  device_id: 'd1',
  name: 'Siti 🌿',
  phone: '60123456789',
  niche: 'FIT',
  niches: ['FIT'],
  target_status: 'prospect',
  additional_note: null,
  trigger: '',
  triggers: [],
  attributes: { city: 'Ipoh', age: '30' },
  time_zone: null,
  source: 'form',
  import_id: null,
  consent: 'none',
  opted_out: false,
  on_hold: false,
  created_at: '2026-12-01T02:00:00Z',
  updated_at: '2026-12-01T02:00:00Z',
};

describe('the values of a lead', () => {
  it('send nothing when nothing changed', () => {
    expect(changedBody(lead, valuesOf(lead, null))).toEqual({});
  });

  it('send what differs and null for an extra field taken away', () => {
    const values = valuesOf(lead, null);
    const changed = { ...values, niche: ['FIT', 'YOGA'], attributes: [{ key: 0, name: 'city', value: 'Perak' }] };
    expect(changedBody(lead, changed)).toEqual({ niche: ['FIT', 'YOGA'], attributes: { age: null, city: 'Perak' } });
  });

  it('rename an extra field by taking the old one away', () => {
    const values = valuesOf({ ...lead, attributes: { city: 'Ipoh' } }, null);
    const changed = { ...values, attributes: [{ key: 0, name: 'town', value: 'Ipoh' }] };
    expect(changedBody({ ...lead, attributes: { city: 'Ipoh' } }, changed).attributes).toEqual({ city: null, town: 'Ipoh' });
  });

  it('start on the device of the list', () => {
    expect(newBody(valuesOf(null, 'd9')).device_id).toBe('d9');
  });

  it('take numbers as people write them', () => {
    expect(looksLikePhone('+62 812-3456 7890')).toBe(true);
    expect(looksLikePhone('12 34')).toBe(false);
  });

  it('refuse names of extra fields that texts could not use', () => {
    const check = (name: string, others: string[] = []) =>
      checks(en.leads.form).attributes.name(name, {
        ...valuesOf(null, null),
        attributes: [name, ...others].map((each, key) => ({ key, name: each, value: '' })),
      });
    expect(check('city')).toBeNull();
    expect(check('2nd')).toBe(en.leads.form.extraNameWrong);
    expect(check('phone')).toBe(en.leads.form.extraNameTaken);
    expect(check('city', ['city'])).toBe(en.leads.form.extraNameTwice);
  });
});
