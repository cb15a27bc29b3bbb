// Drafts kept in this browser, one for a new campaign and one for each that is edited.
import type { Draft } from './draft';

interface Kept {
  /** `updated_at` of the campaign the draft was begun from; null for a new one. */
  base: string | null;
  saved_at: string;
  draft: Draft;
}

const name = (id: string | null) => `hantar-campaign-draft:${id ?? 'new'}`;

export function keepDraft(id: string | null, base: string | null, draft: Draft): void {
  const kept: Kept = { base, saved_at: new Date().toISOString(), draft };
  try {
    localStorage.setItem(name(id), JSON.stringify(kept));
  } catch {
    // Full or forbidden storage: the page still asks before it is left.
  }
}

/** The kept draft, unless the campaign was changed since. */
export function keptDraft(id: string | null, base: string | null): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(name(id)) ?? 'null') as Kept | null;
    return kept !== null && kept.base === base && typeof kept.draft?.title === 'string' ? kept : null;
  } catch {
    return null;
  }
}

export function dropDraft(id: string | null): void {
  try {
    localStorage.removeItem(name(id));
  } catch {
    // Nothing kept, nothing to drop.
  }
}
