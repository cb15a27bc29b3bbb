// Values of rules as people read them. Pure.
import type { components } from '@/api/schema';
import type { Words } from '@/words';

export type Rule = components['schemas']['Rule'];
export type RuleKind = components['schemas']['Kind']['kind'];
export type RuleValue = Rule['value'];

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** "2 hours", "30 minutes", "72 hours": the largest unit that needs no fraction; up to three days in hours. */
export function duration(seconds: number, t: Words): string {
  const words = t.consent.rules;
  if (seconds !== 0 && seconds % DAY === 0 && seconds > 3 * DAY) return words.days(seconds / DAY);
  if (seconds !== 0 && seconds % HOUR === 0) return words.hours(seconds / HOUR);
  if (seconds !== 0 && seconds % MINUTE === 0) return words.minutes(seconds / MINUTE);
  return words.seconds(seconds);
}

export function valueWords(rule: Pick<Rule, 'unit' | 'none_word' | 'name'>, value: RuleValue, t: Words): string {
  const words = t.consent.rules;
  if (Array.isArray(value)) return value.length === 0 ? words.noDays : value.map((day) => words.weekdays[day - 1]).join(', ');
  if (typeof value === 'boolean') return value ? words.on : words.off;
  if (typeof value === 'string') return words.choices[value] ?? value;
  switch (rule.unit) {
    case 'seconds':
      return duration(value, t);
    case 'percent':
      return words.percent(value);
    case 'days':
      return words.days(value);
    default:
      return value.toLocaleString('en-GB');
  }
}
