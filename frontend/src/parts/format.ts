// Numbers, phones and instants as people read them. Pure functions; `useFormat` binds them to the reader's zone.
import { useMemo } from 'react';
import { useZone } from '@/app/zone';

const ONE_DIGIT_CODES = new Set(['1', '7']);
const TWO_DIGIT_CODES = new Set(
  '20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98'.split(' '),
);

/** "60123456789" as "60 12 345 6789": country code first, the rest in groups, no plus. */
export function phone(digits: string | null | undefined): string {
  if (!digits) return '';
  const code = ONE_DIGIT_CODES.has(digits[0] ?? '') ? 1 : TWO_DIGIT_CODES.has(digits.slice(0, 2)) ? 2 : 3;
  const rest = digits.slice(code);
  if (rest.length < 6) return `${digits.slice(0, code)} ${rest}`.trim();
  const tail = rest.slice(-4);
  const middle = rest.slice(-7, -4);
  const head = rest.slice(0, -7);
  return [digits.slice(0, code), head, middle, tail].filter(Boolean).join(' ');
}

export interface Format {
  /** 15:04 */
  time: (iso: string) => string;
  /** 15:04, Yesterday, Monday or 3 Nov 2026: as chats show it. */
  chat: (iso: string, now?: Date) => string;
  /** Thu 3 Dec 2026, 10:00 */
  moment: (iso: string) => string;
  /** Thu 3 Dec 2026 */
  day: (iso: string) => string;
  /** 2026-12-03 02:00 */
  utc: (iso: string) => string;
  /** "in 3 hours", "2 days ago" */
  relative: (iso: string, now?: Date) => string;
  zone: string;
}

/** Formatters for one zone. */
export function formatIn(zone: string): Format {
  const make = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
  const clock = make({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const full = make({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
  const weekday = make({ weekday: 'long' });
  const key = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

  const day = (iso: string) => full.format(new Date(iso)).replace(',', '');
  const time = (iso: string) => clock.format(new Date(iso));
  return {
    zone,
    time,
    day,
    moment: (iso) => `${day(iso)}, ${time(iso)}`,
    utc: (iso) => new Date(iso).toISOString().slice(0, 16).replace('T', ' '),
    relative: (iso, now = new Date()) => {
      const [value, unit] = span((new Date(iso).getTime() - now.getTime()) / 1000);
      return relative.format(value, unit);
    },
    chat: (iso, now = new Date()) => {
      const days = Math.round((Date.parse(key.format(now)) - Date.parse(key.format(new Date(iso)))) / 86_400_000);
      if (days === 0) return time(iso);
      if (days === 1) return relative.format(-1, 'day').replace(/^./, (letter) => letter.toUpperCase());
      if (days > 1 && days < 7) return weekday.format(new Date(iso));
      return day(iso);
    },
  };
}

/** Formatters in the zone of the person reading. */
export function useFormat(): Format {
  const zone = useZone();
  return useMemo(() => formatIn(zone), [zone]);
}

function span(seconds: number): [number, Intl.RelativeTimeFormatUnit] {
  const size = Math.abs(seconds);
  if (size < 60) return [Math.round(seconds), 'second'];
  if (size < 3600) return [Math.round(seconds / 60), 'minute'];
  if (size < 86_400) return [Math.round(seconds / 3600), 'hour'];
  return [Math.round(seconds / 86_400), 'day'];
}
