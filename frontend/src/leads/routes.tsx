// Addresses of the pages of this folder.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { shellRoute } from '@/app/routes';

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads',
  component: lazyRouteComponent(() => import('./LeadsPage')),
});

export const leadRoutes = [list] as const;
