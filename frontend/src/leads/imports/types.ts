// What the API says about imports and jobs.

/** By the column's name: a field, `attributes.x`, or null for nothing. */
export type Mapping = Record<string, string | null>;

export type OnDuplicate = 'skip' | 'update' | 'fail';

/** The head of a file as the server reads it. */
export interface Preview {
  encoding: string;
  delimiter: string;
  columns: string[];
  mapping: Mapping;
  rows: string[][];
  fields: string[];
}

export interface Options {
  deviceId: string;
  encoding: string;
  delimiter: string;
  mapping: Mapping;
  onDuplicate: OnDuplicate;
  country: string | null;
}

export interface Counts {
  total: number;
  success: number;
  created: number;
  updated: number;
  skipped: number;
  failed: number;
}

/** The answer to a file: at once its result, or a job when it is large; either way the import's id. */
export interface Started {
  import_id: string;
}

export interface Job {
  id: string;
  kind: string;
  status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  done: number;
  total: number | null;
  eta_at: string | null;
  result: Record<string, unknown> | null;
  error: string | null;
}

export interface Import extends Counts {
  id: string;
  device_id: string | null;
  job_id: string | null;
  file_name: string;
  is_dry_run: boolean;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  error: string | null;
  created_at: string;
  finished_at: string | null;
}

export interface Cause {
  outcome: Outcome;
  code: string;
  count: number;
}

export type ImportDetail = Import & { causes: Cause[] };

export type Outcome = 'failed' | 'skipped' | 'updated' | 'warning';

/** A row of the report; rows that simply became leads are not in it. */
export interface ReportRow {
  row: number;
  outcome: Outcome;
  column: string | null;
  code: string;
  message: string;
  cell: string | null;
}
