// How many people a number may begin to write to, in words.
import type { Words } from '@/words/en';

export function tierWords(t: Words['kinds'], found: { tier: number | null; has_no_limit: boolean }): string {
  if (found.has_no_limit) return t.cloud.noLimit;
  return found.tier === null ? t.cloud.tierUnknown : t.cloud.people(found.tier);
}
