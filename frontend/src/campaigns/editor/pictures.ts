// Gets a picture onto the server: a file, an address, or a data URL.
import { askRaw, upload } from '@/api/client';
import type { Media } from '../types';
import type { Picture } from './draft';

type Tell = (share: number) => void;

function pictureOf(media: Media): Picture {
  return { media_id: media.id, url: media.url, size: media.size, original_size: media.original_size };
}

export async function uploadPicture(file: File, tell: Tell): Promise<Picture> {
  const form = new FormData();
  form.append('file', file);
  return pictureOf(await upload<Media>('/api/media', form, tell));
}

/** An address is fetched by the server, once; a data URL is decoded there too. */
export async function fetchPicture(address: string, tell: Tell): Promise<Picture> {
  tell(1);
  const headers = { 'Content-Type': 'application/json' };
  return pictureOf(await askRaw<Media>('/api/media/link', { method: 'POST', headers, body: JSON.stringify({ image_url: address }) }));
}
