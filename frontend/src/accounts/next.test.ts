import { expect, it } from 'vitest';
import { safeNext } from './next';

it('after sign-in only our own addresses are followed', () => {
  expect(safeNext('/devices?state=online')).toBe('/devices?state=online');
  for (const bad of ['https://example.com', '//example.com', '/\\example.com', 'javascript:alert(1)', 7, undefined]) {
    expect(safeNext(bad)).toBeUndefined();
  }
});
