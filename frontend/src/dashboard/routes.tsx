// Addresses of the pages of this folder.
import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';

export const spans = [1, 7, 30, 90] as const;

const page = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  validateSearch: (search): { days?: number } => ({ days: spans.find((days) => days === search.days) }),
  component: lazyPage(() => import('./DashboardPage')),
});

export const dashboardRoutes = [page] as const;
