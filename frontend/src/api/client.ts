// The only door to the server: typed calls over the public API, answers or a Problem, nothing else.
import createClient from 'openapi-fetch';
import { Problem } from './problem';
import type { paths } from './schema';

export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Waits for a call of `api` and gives its data, or throws a Problem. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem({ code: 'unreachable' });
  }
  if (!answer.response.ok) throw await problemOf(answer.response, answer.error);
  return answer.data as T;
}

/** For what the typed client has no words for: files up, files down, progress. */
export async function askRaw<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem({ code: 'unreachable' });
  }
  const text = await response.text();
  const body: unknown = text === '' ? undefined : parsed(text);
  if (!response.ok) throw await problemOf(response, body);
  return body as T;
}

/** Sends a form with files and tells how much is on its way (0 to 1). */
export function upload<T>(path: string, form: FormData, onProgress?: (share: number) => void, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress?.(event.loaded / event.total);
    };
    request.onload = () => {
      const body = request.responseText === '' ? undefined : parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(body as T);
      else reject(new Problem({ ...(isRecord(body) ? body : {}), status: request.status }));
    };
    request.onerror = () => reject(new Problem({ code: 'unreachable' }));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(form);
  });
}

async function problemOf(response: Response, body: unknown): Promise<Problem> {
  return new Problem(isRecord(body) ? body : { status: response.status }, response);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Whether the server answers at all, whatever it says. */
export async function isServerThere(): Promise<boolean> {
  try {
    return (await fetch('/health/live', { cache: 'no-store' })).status < 500;
  } catch {
    return false;
  }
}
