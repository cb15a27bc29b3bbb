// The audit trail and its proof.
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import { useCursorList } from '@/api/lists';
import type { components } from '@/api/schema';
import type { Page } from '@/api/types';

export type AuditEntry = components['schemas']['Entry'];

export interface AuditFilter {
  /** One action, or the first part of several. */
  action?: string;
  start_date?: string;
  end_date?: string;
}

export function useAudit(filter: AuditFilter) {
  // the same address also gives a CSV file, so its answer has two types
  return useCursorList<AuditEntry>(['audit', filter], (cursor) =>
    ask(api.GET('/api/audit', { params: { query: { ...filter, cursor, with_total: true } } })) as Promise<Page<AuditEntry>>,
  );
}

export function useAuditProof() {
  return useQuery({ queryKey: ['audit', 'proof'], queryFn: () => ask(api.GET('/api/audit/verify')) });
}

/** Where the filtered trail is a file. */
export function auditAddress(filter: AuditFilter): string {
  const given = Object.entries(filter).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `/api/audit?${new URLSearchParams([...given, ['format', 'csv']])}`;
}
