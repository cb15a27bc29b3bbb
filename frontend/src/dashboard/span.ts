// Spans of days ending today, in a zone. Pure.

/** The calendar day of an instant in a zone: 2026-12-03. */
export function dayIn(zone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now);
}

/** The last so many days, today included. */
export function lastDays(days: number, zone: string, now: Date): { start_date: string; end_date: string } {
  const end = dayIn(zone, now);
  const start = new Date(`${end}T00:00:00Z`);
  start.setUTCDate(start.getUTCDate() - (days - 1));
  return { start_date: start.toISOString().slice(0, 10), end_date: end };
}
