// Addresses before sign-in, and the set-up.
import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { rootRoute, shellRoute } from '@/app/routes';
import { safeNext } from './next';

const login = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { next?: string } => ({ next: safeNext(search.next) }),
  component: lazyPage(() => import('./LoginPage')),
});

const register = createRoute({
  getParentRoute: () => rootRoute,
  path: '/register',
  component: lazyPage(() => import('./RegisterPage')),
});

const setup = createRoute({
  getParentRoute: () => shellRoute,
  path: '/setup',
  component: lazyPage(() => import('./SetupPage')),
});

export const accountRoutes = [login, register] as const;
export const setupRoutes = [setup] as const;
