// Addresses of the pages of this folder.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '@/app/routes';

const page = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./DashboardPage')),
});

export const dashboardRoutes = [page] as const;
