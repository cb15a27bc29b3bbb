// One lead in a drawer; which one stands in the address (`?lead=`), so that it can be linked to.
import { Box, Drawer, Skeleton, Stack, Tabs } from '@mantine/core';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { PersonPanel } from '@/consent/PersonPanel';
import { useDevices } from '@/devices/hooks';
import { FailedLoad } from '@/parts/ProblemNote';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { History } from './History';
import { LeadForm } from './LeadForm';
import { LeadView } from './LeadView';
import { useLead } from './hooks';
import type { Facets } from './types';
import { useLeadSearch } from './useLeadSearch';

interface Props {
  deviceId?: string;
  facets: Facets | undefined;
}

export function LeadDrawer({ deviceId, facets }: Props) {
  const t = useWords();
  const isPhone = useIsPhone();
  const [search, change] = useLeadSearch();
  const isNew = search.lead === 'new';
  const close = () => void change({ lead: undefined });
  return (
    <Drawer
      opened={search.lead !== undefined}
      onClose={close}
      title={isNew ? t.leads.drawer.add : t.leads.drawer.edit}
      position={isPhone ? 'bottom' : 'right'}
      size={isPhone ? '100%' : 520}
      closeButtonProps={{ 'aria-label': t.parts.close, size: 'lg' }}
      styles={{
        content: { scrollPaddingTop: 100, scrollPaddingBottom: 80 },
        title: { fontWeight: 650, fontSize: 'var(--mantine-font-size-lg)' },
      }}
      data-testid="leads-drawer"
    >
      {isNew && <New deviceId={deviceId} facets={facets} onClose={close} />}
      {search.lead !== undefined && !isNew && <Existing key={search.lead} id={search.lead} facets={facets} onClose={close} />}
    </Drawer>
  );
}

/** Waits for the devices: with only one, it is chosen already. */
function New({ deviceId, facets, onClose }: Props & { onClose: () => void }) {
  const devices = useDevices();
  if (devices.isError) return <FailedLoad problem={devices.error} onRetry={() => void devices.refetch()} />;
  if (devices.data === undefined) return <Waiting />;
  return <LeadForm lead={null} deviceId={deviceId} facets={facets} onClose={onClose} />;
}

function Existing({ id, facets, onClose }: { id: string; facets: Facets | undefined; onClose: () => void }) {
  const t = useWords().leads.history;
  const mayEdit = useMay('operator');
  const [tab, setTab] = useState<string | null>('lead');
  const lead = useLead(id);
  if (lead.isError) return <FailedLoad problem={lead.error} onRetry={() => void lead.refetch()} />;
  if (lead.data === undefined) return <Waiting />;
  return (
    <Tabs value={tab} onChange={setTab}>
      <Tabs.List mb="md" aria-label={t.tabs}>
        <Tabs.Tab value="lead" data-testid="leads-drawer-tab-lead">
          {t.lead}
        </Tabs.Tab>
        <Tabs.Tab value="history" data-testid="leads-drawer-tab-history">
          {t.tab}
        </Tabs.Tab>
        <Tabs.Tab value="consent" data-testid="leads-drawer-tab-consent">
          {t.consentTab}
        </Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="consent">{tab === 'consent' && <PersonPanel personId={lead.data.person_id} />}</Tabs.Panel>
      {/* Stays mounted: what was typed is kept while one looks at the history. */}
      <Tabs.Panel value="lead">
        {mayEdit ? <LeadForm lead={lead.data} facets={facets} onClose={onClose} /> : <LeadView lead={lead.data} />}
      </Tabs.Panel>
      <Tabs.Panel value="history">{tab === 'history' && <History lead={lead.data} />}</Tabs.Panel>
    </Tabs>
  );
}

function Waiting() {
  const t = useWords().leads.drawer;
  return (
    <Stack gap="lg" aria-busy aria-label={t.loading}>
      {Array.from({ length: 6 }, (_, index) => (
        <Box key={index}>
          <Skeleton height={12} width={90} mb={8} />
          <Skeleton height={36} />
        </Box>
      ))}
    </Stack>
  );
}
