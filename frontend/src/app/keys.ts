// What keys mean; pure, so that it can be tried.

const jumps: Record<string, '/' | '/devices' | '/leads' | '/campaigns'> = {
  h: '/',
  d: '/devices',
  l: '/leads',
  c: '/campaigns',
};

/** Where `g` then this key leads. */
export function jumpFor(key: string): '/' | '/devices' | '/leads' | '/campaigns' | undefined {
  return jumps[key];
}

/** Whether keys belong to a field right now. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest('input, textarea, select, [contenteditable="true"]') !== null;
}
