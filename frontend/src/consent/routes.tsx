// Addresses of the pages of this folder; tab and filters live in the address.
import { createRoute, redirect } from '@tanstack/react-router';
import { lazyPage } from '@/app/lazyPage';
import { shellRoute } from '@/app/routes';

export const consentTabs = ['opt-outs', 'holds', 'consents', 'rules', 'words', 'requests'] as const;
export type ConsentTab = (typeof consentTabs)[number];

export const optOutReasons = ['stop', 'complaint', 'block', 'manual', 'bounce', 'legal'] as const;
export const optOutSources = ['keyword', 'chat', 'import', 'api', 'platform'] as const;
export const rulesKinds = ['linked', 'cloud', 'simulator', 'demo'] as const;

export interface ConsentSearch {
  q?: string;
  reason?: (typeof optOutReasons)[number];
  source?: (typeof optOutSources)[number];
  /** Opt-outs that count (`live`) or were released; holds that are open or ended. */
  show?: 'live' | 'past';
  phone?: string;
  person?: string;
  kind?: (typeof rulesKinds)[number];
}

function oneOf<T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((each) => each === value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
}

const start = createRoute({
  getParentRoute: () => shellRoute,
  path: '/consent',
  beforeLoad: () => {
    throw redirect({ to: '/consent/$tab', params: { tab: 'opt-outs' } });
  },
});

const page = createRoute({
  getParentRoute: () => shellRoute,
  path: '/consent/$tab',
  validateSearch: (search): ConsentSearch => ({
    q: text(search.q),
    reason: oneOf(search.reason, optOutReasons),
    source: oneOf(search.source, optOutSources),
    show: oneOf(search.show, ['live', 'past']),
    phone: text(search.phone),
    person: text(search.person),
    kind: oneOf(search.kind, rulesKinds),
  }),
  component: lazyPage(() => import('./ConsentPage')),
});

export const consentRoutes = [start, page] as const;
