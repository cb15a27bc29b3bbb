// Addresses of the pages of this folder.
import { createRoute, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { shellRoute } from '@/app/routes';
import { readSearch, type LeadSearch } from './filter';

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads',
  validateSearch: (search): LeadSearch => readSearch(search),
  component: lazyRouteComponent(() => import('./LeadsPage')),
});

/** The list of one device is a tab of its page. */
const ofDevice = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$deviceId/leads',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/devices/$deviceId', params, search: { tab: 'leads' } });
  },
});

const importing = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads/import',
  validateSearch: (search): { device?: string } => ({ device: typeof search.device === 'string' ? search.device : undefined }),
  component: lazyRouteComponent(() => import('./imports/ImportPage')),
});

const imports = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads/imports',
  component: lazyRouteComponent(() => import('./imports/ImportsPage')),
});

const oneImport = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads/imports/$importId',
  component: lazyRouteComponent(() => import('./imports/ImportResultPage')),
});

export const leadRoutes = [list, ofDevice, importing, imports, oneImport] as const;
