// Files that go with messages: what may be chosen, and how one gets onto the server. The server decides by content what a file is.
import { askRaw, upload } from '@/api/client';
import type { components } from '@/api/schema';

type Media = components['schemas']['Media'];
export type FileKind = Media['kind'];

/** A stored file; sizes in bytes, null where they are not known here. */
export interface StoredFile {
  media_id: string;
  url: string;
  kind: FileKind;
  name: string | null;
  size: number | null;
  original_size: number | null;
}

/** Bytes; the server's own limits are lower and told in words. */
export const LARGEST = 100 * 1000 * 1000;
/** The longest text under a file, in characters; audio has none. */
export const LONGEST_CAPTION = 1024;

const office = 'application/vnd.openxmlformats-officedocument.';
/** What the dialog offers, by type and ending. */
export const ACCEPTED: Record<string, string[]> = {
  'image/jpeg': ['.jpg', '.jpeg'],
  'image/png': ['.png'],
  'image/webp': ['.webp'],
  'image/gif': ['.gif'],
  'video/mp4': ['.mp4', '.m4v'],
  'video/3gpp': ['.3gp'],
  'audio/ogg': ['.ogg', '.opus', '.oga'],
  'audio/mpeg': ['.mp3'],
  'audio/aac': ['.aac'],
  'audio/mp4': ['.m4a'],
  'application/pdf': ['.pdf'],
  'application/msword': ['.doc'],
  'application/vnd.ms-excel': ['.xls'],
  'application/vnd.ms-powerpoint': ['.ppt'],
  [`${office}wordprocessingml.document`]: ['.docx'],
  [`${office}spreadsheetml.sheet`]: ['.xlsx'],
  [`${office}presentationml.presentation`]: ['.pptx'],
  'text/plain': ['.txt'],
  'text/csv': ['.csv'],
};

type Tell = (share: number) => void;

export function fileOf(media: Media): StoredFile {
  return { media_id: media.id, url: media.url, kind: media.kind, name: media.name, size: media.size, original_size: media.original_size };
}

export async function uploadFile(file: File, tell: Tell): Promise<StoredFile> {
  const form = new FormData();
  form.append('file', file);
  return fileOf(await upload<Media>('/api/media', form, tell));
}

/** A picture's address is fetched by the server, once; a data URL is decoded there too. */
export async function fetchPicture(address: string, tell: Tell): Promise<StoredFile> {
  tell(1);
  const headers = { 'Content-Type': 'application/json' };
  return fileOf(await askRaw<Media>('/api/media/link', { method: 'POST', headers, body: JSON.stringify({ image_url: address }) }));
}
