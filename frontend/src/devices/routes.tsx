// Addresses of the pages of this folder.
import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices',
  validateSearch: (search): { state?: string; q?: string; view?: 'table' | 'cards'; add?: boolean } => ({
    state: typeof search.state === 'string' ? search.state : undefined,
    q: typeof search.q === 'string' ? search.q : undefined,
    view: search.view === 'table' || search.view === 'cards' ? search.view : undefined,
    add: search.add === true ? true : undefined,
  }),
  component: lazyPage(() => import('./DevicesPage')),
});

export const deviceTabs = ['overview', 'leads', 'templates', 'actions', 'limits', 'simulator'] as const;
export type DeviceTab = (typeof deviceTabs)[number];

const one = createRoute({
  getParentRoute: () => shellRoute,
  path: '/devices/$deviceId',
  validateSearch: (search): { tab?: DeviceTab } => ({ tab: deviceTabs.find((tab) => tab === search.tab) }),
  component: lazyPage(() => import('./DevicePage')),
});

export const deviceRoutes = [list, one] as const;
