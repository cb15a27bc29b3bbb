// All pages, put together. Each folder lists its own.
import type { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { accountRoutes, setupRoutes } from '@/accounts/routes';
import { campaignRoutes } from '@/campaigns/routes';
import { consentRoutes } from '@/consent/routes';
import { dashboardRoutes } from '@/dashboard/routes';
import { deviceRoutes } from '@/devices/routes';
import { leadRoutes } from '@/leads/routes';
import { settingsRoutes } from '@/settings/routes';
import { workerRoutes } from '@/workers/routes';
import { CrashedPage } from './CrashedPage';
import { rootRoute, shellRoute } from './routes';

const routeTree = rootRoute.addChildren([
  ...accountRoutes,
  shellRoute.addChildren([
    ...dashboardRoutes,
    ...setupRoutes,
    ...deviceRoutes,
    ...leadRoutes,
    ...campaignRoutes,
    ...workerRoutes,
    ...consentRoutes,
    ...settingsRoutes,
  ]),
]);

export function makeRouter(cache: QueryClient) {
  return createRouter({
    routeTree,
    context: { cache },
    defaultErrorComponent: CrashedPage,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
