// Addresses before sign-in, and the set-up.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute, shellRoute } from '@/app/routes';
import { safeNext } from './next';

const login = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { next?: string } => ({ next: safeNext(search.next) }),
  component: lazyRouteComponent(() => import('./LoginPage')),
});

const register = createRoute({
  getParentRoute: () => rootRoute,
  path: '/register',
  component: lazyRouteComponent(() => import('./RegisterPage')),
});

const setup = createRoute({
  getParentRoute: () => shellRoute,
  path: '/setup',
  component: lazyRouteComponent(() => import('./SetupPage')),
});

export const accountRoutes = [login, register] as const;
export const setupRoutes = [setup] as const;
