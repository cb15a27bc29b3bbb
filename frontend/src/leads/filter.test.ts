import { describe, expect, it } from 'vitest';
import { isFiltered, noFilter, readSearch, toApi, toQuery } from './filter';

describe('filters in the address', () => {
  it('keep what is known and drop the rest', () => {
    expect(readSearch({ q: 'siti', status: 'nobody', niche: ' ', trigger: 'none', sort: 'name', other: 1 })).toEqual({
      q: 'siti',
      status: undefined,
      niche: undefined,
      trigger: 'none',
      device: undefined,
      import: undefined,
      sort: 'name',
      lead: undefined,
    });
  });

  it('read a searched number as the text it is', () => {
    expect(readSearch({ q: 60123 }).q).toBe('60123');
  });

  it('say in the words of the API only what is set', () => {
    expect(toApi({ q: 'a', status: 'customer', import: 'i1' })).toEqual({ q: 'a', target_status: 'customer', import_id: 'i1' });
  });

  it('stay with the device of a device page', () => {
    expect(toApi({ device: 'other' }, 'mine')).toEqual({ device_id: 'mine' });
  });

  it('count as filters, sorting and the open lead do not', () => {
    expect(isFiltered({ sort: 'name', lead: 'new' })).toBe(false);
    expect(isFiltered({ niche: 'FIT' })).toBe(true);
    expect(isFiltered({ niche: 'FIT', ...noFilter })).toBe(false);
  });

  it('leave nothing undefined in a query string', () => {
    expect(toQuery({ a: 1, b: undefined, c: null, d: 'x y', e: false })).toBe('a=1&d=x+y&e=false');
  });
});
