import { describe, expect, it } from 'vitest';
import { attributeOf, mappingProblem, readsStatus } from './mapping';

describe('columns', () => {
  it('need name and phone, and no field twice', () => {
    expect(mappingProblem({ a: 'phone' })).toEqual({ kind: 'needName' });
    expect(mappingProblem({ a: 'name' })).toEqual({ kind: 'needPhone' });
    expect(mappingProblem({ a: 'name', b: 'phone', c: 'phone' })).toEqual({ kind: 'twice', target: 'phone' });
    expect(mappingProblem({ a: 'name', b: 'phone', c: null, d: null })).toBeNull();
  });

  it('say when status is read as target status', () => {
    expect(readsStatus({ Status: 'target_status' })).toBe(true);
    expect(readsStatus({ status: null, target_status: 'target_status' })).toBe(false);
  });

  it('can become extra fields under names that texts can use', () => {
    expect(attributeOf('Café / city ')).toBe('cafe_city');
    expect(attributeOf('2nd phone')).toBe('nd_phone');
    expect(attributeOf('名前')).toBeNull();
    expect(attributeOf('Name')).toBeNull();
  });
});
