// Addresses of the pages of this folder.
import { createRoute, redirect } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';
import { readSearch, type LeadSearch } from './filter';

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads',
  validateSearch: (search): LeadSearch => readSearch(search),
  component: lazyPage(() => import('./LeadsPage')),
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
  component: lazyPage(() => import('./imports/ImportPage')),
});

const imports = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads/imports',
  component: lazyPage(() => import('./imports/ImportsPage')),
});

const oneImport = createRoute({
  getParentRoute: () => shellRoute,
  path: '/leads/imports/$importId',
  component: lazyPage(() => import('./imports/ImportResultPage')),
});

export const leadRoutes = [list, ofDevice, importing, imports, oneImport] as const;
