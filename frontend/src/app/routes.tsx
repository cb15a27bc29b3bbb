// The two roots all pages hang on: pages before sign-in, and pages in the shell. Folders add theirs in their `routes.tsx`.
import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, redirect } from '@tanstack/react-router';
import { meQuery } from '@/accounts/hooks';
import { toProblem } from '@/api/problem';
import { lazyPage } from './lazyPage';

export interface RouterContext {
  cache: QueryClient;
}

export const rootRoute = createRootRouteWithContext<RouterContext>()({
  notFoundComponent: lazyPage(() => import('./NotFoundPage')),
});

/** Pages of someone signed in; everyone else is sent to sign in and comes back afterwards. */
export const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.cache.ensureQueryData(meQuery);
    } catch (error) {
      if (toProblem(error).status !== 401) throw error;
      throw redirect({ to: '/login', search: location.href === '/' ? {} : { next: location.href } });
    }
  },
  component: lazyPage(() => import('./Shell')),
});
