// The words of the API about imports, and what the wizard sends.
import type { Declaration } from '@/consent/DeclareConsent';
import type { Import, ImportDetail, ImportPreview, Job, OnDuplicate, ReportRow } from '@/api/types';

export type { Import, ImportDetail, Job, OnDuplicate, ReportRow };
export type Preview = ImportPreview;
export type Outcome = ReportRow['outcome'];

/** By the column's name: a field, `attributes.x`, or null for nothing. */
export type Mapping = Preview['mapping'];

export interface Options {
  deviceId: string;
  encoding: string;
  delimiter: string;
  mapping: Mapping;
  onDuplicate: OnDuplicate;
  country: string | null;
  consent: Declaration | null;
}

/** The answer to a file: its result at once, or a job when it is large; either way the import's id. */
export interface Started {
  import_id: string;
}
