// The pages the navigation offers, once for sidebar, bottom bar and search.
import { Activity, Gauge, HandHeart, Megaphone, Settings2, Smartphone, Users, type LucideIcon } from 'lucide-react';
import type { Words } from '@/words';

export interface Place {
  to: '/' | '/devices' | '/leads' | '/campaigns' | '/workers' | '/consent' | '/settings';
  label: string;
  icon: LucideIcon;
}

export function places(t: Words): Place[] {
  return [
    { to: '/', label: t.app.nav.dashboard, icon: Gauge },
    { to: '/devices', label: t.app.nav.devices, icon: Smartphone },
    { to: '/leads', label: t.app.nav.leads, icon: Users },
    { to: '/campaigns', label: t.app.nav.campaigns, icon: Megaphone },
    { to: '/workers', label: t.app.nav.workers, icon: Activity },
    { to: '/consent', label: t.app.nav.consent, icon: HandHeart },
    { to: '/settings', label: t.app.nav.settings, icon: Settings2 },
  ];
}

/** Whether `path` lies under the place. */
export function isAt(place: Place['to'], path: string): boolean {
  return place === '/' ? path === '/' : path === place || path.startsWith(`${place}/`);
}
