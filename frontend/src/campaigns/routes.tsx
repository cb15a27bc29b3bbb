// Addresses of the pages of this folder.
import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';
import { steps, type Step } from './editor/steps';

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
const day = (value: unknown) => (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value : undefined);

export const statuses = ['pending', 'triggered', 'processing', 'paused', 'finished', 'failed', 'cancelled'] as const;
export const targets = ['all', 'prospect', 'customer'] as const;

export interface ListSearch {
  status?: (typeof statuses)[number];
  niche?: string;
  target_status?: (typeof targets)[number];
  q?: string;
  start_date?: string;
  end_date?: string;
}

const list = createRoute({
  getParentRoute: () => shellRoute,
  path: '/campaigns',
  validateSearch: (search): ListSearch => ({
    status: statuses.find((each) => each === search.status),
    niche: text(search.niche),
    target_status: targets.find((each) => each === search.target_status),
    q: text(search.q),
    start_date: day(search.start_date),
    end_date: day(search.end_date),
  }),
  component: lazyPage(() => import('./CampaignsPage')),
});

const editorSearch = (search: Record<string, unknown>): { step?: Step } => ({ step: steps.find((step) => step === search.step) });

const make = createRoute({
  getParentRoute: () => shellRoute,
  path: '/campaigns/new',
  validateSearch: editorSearch,
  component: lazyPage(() => import('./editor/NewPage')),
});

const edit = createRoute({
  getParentRoute: () => shellRoute,
  path: '/campaigns/$campaignId/edit',
  validateSearch: editorSearch,
  component: lazyPage(() => import('./editor/EditPage')),
});

export const campaignTabs = ['overview', 'report', 'recipients'] as const;
export type CampaignTab = (typeof campaignTabs)[number];

export interface CampaignSearch {
  tab?: CampaignTab;
  /** Status filter of the recipients. */
  status?: string;
  q?: string;
}

const one = createRoute({
  getParentRoute: () => shellRoute,
  path: '/campaigns/$campaignId',
  validateSearch: (search): CampaignSearch => ({
    tab: campaignTabs.find((tab) => tab === search.tab),
    status: text(search.status),
    q: text(search.q),
  }),
  component: lazyPage(() => import('./CampaignPage')),
});

export const campaignRoutes = [list, make, edit, one] as const;
