import { expect, it } from 'vitest';
import { en } from './en';

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(texts);
  return [];
}

it('no text promises protection from WhatsApp’s rules', () => {
  const promises = texts(en).filter((text) => /anti-?ban|warm-?up|undetect|safe (sending|limit|mode)|avoid(s|ing)? (a )?ban/i.test(text));
  expect(promises).toEqual([]);
});
