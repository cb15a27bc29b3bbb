// Addresses of the pages of this folder.
import { createRoute, redirect } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';

const start = createRoute({
  getParentRoute: () => shellRoute,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/settings/$section', params: { section: 'profile' } });
  },
});

const section = createRoute({
  getParentRoute: () => shellRoute,
  path: '/settings/$section',
  component: lazyPage(() => import('./SettingsPage')),
});

export const settingsRoutes = [start, section] as const;
