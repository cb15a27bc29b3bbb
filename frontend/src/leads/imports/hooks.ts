// Imports: look into a file, try it, import it, watch it, read its report.
import { declarationBody, type Declaration } from '@/consent/DeclareConsent';
import { consentChanged } from '@/consent/hooks';
import { useMutation, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, ask, upload } from '@/api/client';
import { useCursorList } from '@/api/lists';
import { leadsChanged } from '../hooks';
import type { Import, Job, Options, Outcome, Preview, ReportRow, Started } from './types';

/** The head is enough for a look. */
const HEAD_BYTES = 262_144;
const POLL_MS = 4_000;
export const LARGEST_MEGABYTES = 200;

/** How a file is written and what its columns seem to be; `encoding` and `delimiter` when the person knows better. */
export function usePreview() {
  return useMutation({
    mutationFn: ({ file, encoding, delimiter }: { file: File; encoding?: string; delimiter?: string }) => {
      const form = new FormData();
      form.set('file', file.slice(0, HEAD_BYTES), file.name);
      if (encoding !== undefined) form.set('encoding', encoding);
      if (delimiter !== undefined) form.set('delimiter', delimiter);
      return upload<Preview>('/api/leads/import/preview', form);
    },
  });
}

/** Sends a file; gives its import's id, whether it is done already or goes on as a job. */
export function useSendFile() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ file, options, isDryRun, onProgress, signal }: SendFile) => {
      const form = new FormData();
      form.set('file', file, file.name);
      form.set('mapping', JSON.stringify(options.mapping));
      form.set('delimiter', options.delimiter);
      form.set('encoding', options.encoding);
      form.set('dry_run', String(isDryRun));
      form.set('on_duplicate', options.onDuplicate);
      if (options.consent !== null) form.set('consent', JSON.stringify(declarationBody(options.consent)));
      if (options.country !== null) form.set('default_country', options.country);
      return upload<Started>(`/api/devices/${options.deviceId}/leads/import`, form, onProgress, signal);
    },
    onSuccess: (_started, { isDryRun }) => {
      if (!isDryRun) importsChanged(cache);
    },
  });
}

interface SendFile {
  file: File;
  options: Options;
  isDryRun: boolean;
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

/** Declares consent for everybody of an import who has none of it yet; a large one goes on as a job. */
export function useDeclareForImport() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ id, declaration }: { id: string; declaration: Declaration }) =>
      ask(api.POST('/api/imports/{id}/consent', { params: { path: { id } }, body: declarationBody(declaration) })),
    onSuccess: () => {
      importsChanged(cache);
      consentChanged(cache);
    },
  });
}

export function useImports() {
  return useCursorList<Import>(['imports', 'list'], (cursor, signal) =>
    ask(api.GET('/api/imports', { params: { query: { limit: 50, cursor, dry_run: false } }, signal })),
  );
}

/** One import with the causes in its report; asked again while it runs, should the live line be down. */
export function useImport(id: string | undefined) {
  return useQuery({
    queryKey: ['imports', 'one', id],
    queryFn: ({ signal }) => ask(api.GET('/api/imports/{id}', { params: { path: { id: id ?? '' } }, signal })),
    enabled: id !== undefined,
    refetchInterval: (query) => (query.state.data?.status === 'running' ? POLL_MS : false),
  });
}

/** The name of an import's file, for a filter that names it. */
export function useImportName(id: string | undefined): string | undefined {
  return useImport(id).data?.file_name;
}

/** How far a job is; its events write into the same place (`leads/live.ts`). */
export function useJob(id: string | null | undefined) {
  return useQuery({
    queryKey: ['jobs', id],
    queryFn: ({ signal }) => ask(api.GET('/api/jobs/{id}', { params: { path: { id: id ?? '' } }, signal })),
    enabled: typeof id === 'string',
    refetchInterval: (query) => (isOpen(query.state.data) ? POLL_MS : false),
  });
}

export function isOpen(job: Job | undefined): boolean {
  return job === undefined || job.status === 'queued' || job.status === 'running';
}

export function useCancelJob() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => ask(api.POST('/api/jobs/{id}/cancel', { params: { path: { id } } })),
    onSuccess: (job) => cache.setQueryData(['jobs', job.id], job),
  });
}

/** The report of an import, row by row; by outcome and cause. */
export function useReport(importId: string, outcome: Outcome | undefined, code: string | undefined) {
  return useCursorList<ReportRow>(['imports', 'rows', importId, outcome ?? null, code ?? null], (cursor, signal) =>
    ask(
      api.GET('/api/imports/{id}/rows', {
        params: { path: { id: importId }, query: { outcome, code, limit: 50, cursor, with_total: true } },
        signal,
      }),
    ),
  );
}

/** An import began or ended: its list, its report, and the leads. */
export function importsChanged(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: ['imports'] });
  leadsChanged(cache);
}
