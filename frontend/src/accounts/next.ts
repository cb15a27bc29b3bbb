// Where to go after sign-in.

/** Only addresses of our own pages are followed; everything else is forgotten. */
export function safeNext(next: unknown): string | undefined {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : undefined;
}
