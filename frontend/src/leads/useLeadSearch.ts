// The list's filters live in the address of whatever page it stands on: its own, or a device's.
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { readSearch, type LeadSearch } from './filter';

/** Gives [what the address says, change(some of it)]. A change replaces the entry in the history unless told to add one. */
export function useLeadSearch(): [LeadSearch, (changes: LeadSearch, how?: { push?: boolean }) => Promise<void>] {
  const raw = useLocation({ select: (location) => location.search as Record<string, unknown> });
  const navigate = useNavigate();
  const search = useMemo(() => readSearch(raw), [raw]);
  const change = useCallback(
    (changes: LeadSearch, { push = false } = {}) =>
      navigate({
        to: '.',
        search: ((before: Record<string, unknown>) => ({ ...before, ...changes })) as never,
        replace: !push,
        resetScroll: false,
      }),
    [navigate],
  );
  return [search, change];
}
