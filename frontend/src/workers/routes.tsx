// Addresses of the pages of this folder.
import { createRoute, redirect } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';

export interface WorkerSearch {
  state?: string;
  q?: string;
}

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/workers',
  validateSearch: (search: Record<string, unknown>): WorkerSearch => ({
    state: typeof search.state === 'string' ? search.state : undefined,
    q: typeof search.q === 'string' ? search.q : undefined,
  }),
  component: lazyPage(() => import('./WorkersPage')),
});

/** Addresses of old, kept for bookmarks. */
const old = ['/status/all-workers', '/status/device-worker'].map((path) =>
  createRoute({
    getParentRoute: () => shellRoute,
    path,
    beforeLoad: () => {
      throw redirect({ to: '/workers', replace: true });
    },
  }),
);

export const workerRoutes = [list, ...old] as const;
