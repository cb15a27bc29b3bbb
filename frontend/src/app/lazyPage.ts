// A page that is fetched when it is first opened. Without this, opening one while the server is away ends on the browser's own error page.
import { lazyRouteComponent } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { isServerThere } from '@/api/client';
import { Problem } from '@/api/problem';

interface PageModule {
  default: ComponentType;
}

export function lazyPage(load: () => Promise<PageModule>) {
  return lazyRouteComponent(() => load().catch(explain));
}

/** With the server there the file itself is gone, after an update: the router then loads the page anew. */
async function explain(cause: unknown): Promise<never> {
  if (await isServerThere()) throw cause;
  throw new Problem({ code: 'unreachable' });
}
