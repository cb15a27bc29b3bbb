// Variables of a text: {{ name }} and {{ name | default: "there" }}, read and filled as the server does. Pure.
import { filled, type Value } from './whatsapp';

/** Fields every lead has; others are its extra fields. */
export const STANDARD = ['name', 'phone', 'niche'] as const;

/** What a lead offers to a text. */
export interface Sample {
  name: string;
  phone: string;
  niche: string;
  attributes: Record<string, unknown>;
}

const FIELD = /^\s*([A-Za-z_][A-Za-z0-9_]{0,63})\s*(?:\|\s*default\s*:\s*["'“”]([\s\S]*?)["'“”]\s*)?$/;

interface Variable {
  name: string;
  fallback: string | null;
}

function read(inside: string): Variable | null {
  const match = FIELD.exec(inside);
  return match === null ? null : { name: (match[1] ?? '').toLowerCase(), fallback: match[2] ?? null };
}

function valuesOf(sample: Sample): Map<string, string> {
  const own = Object.entries(sample.attributes).map(([name, value]): [string, string] => [name.toLowerCase(), String(value ?? '')]);
  return new Map([...own, ['name', sample.name], ['phone', sample.phone], ['niche', sample.niche]]);
}

/** Puts a lead's values into variables; without a lead the names stand for themselves. */
export function filler(sample: Sample | null): (inside: string) => Value {
  const values = sample === null ? null : valuesOf(sample);
  return (inside) => {
    const variable = read(inside);
    if (variable === null) return { text: `{{${inside}}}`, isMissing: true };
    const value = values?.get(variable.name)?.trim();
    if (value) return { text: value, isMissing: false };
    if (variable.fallback !== null) return { text: variable.fallback, isMissing: false };
    return { text: values === null ? `‹${variable.name}›` : `{{${inside}}}`, isMissing: values !== null };
  };
}

/** The text this lead would get. */
export function textFor(text: string, sample: Sample | null): string {
  return filled(text, filler(sample));
}

/** Names without a value for this lead and without a default. */
export function missing(text: string, sample: Sample): string[] {
  const fill = filler(sample);
  const names = [...text.matchAll(/\{\{([\s\S]*?)\}\}/g)]
    .map((match) => match[1] ?? '')
    .filter((inside) => fill(inside).isMissing)
    .map((inside) => read(inside)?.name ?? inside.trim());
  return [...new Set(names)];
}

/** `{{ name | default: "there" }}`; quotes inside the default would end it, so they become single ones. */
export function variable(name: string, fallback: string): string {
  const words = fallback.replaceAll('"', '’').trim();
  return words === '' ? `{{ ${name} }}` : `{{ ${name} | default: "${words}" }}`;
}
