// All devices of the workspace: counters that filter, cards, or a table when there are many.
import { Button, SegmentedControl, SimpleGrid, Skeleton } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Plus, Smartphone } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import type { Device } from '@/api/types';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { Figure } from '@/parts/Figure';
import { FilterBar } from '@/parts/FilterBar';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { AddDevice } from './AddDevice';
import { DeviceCard } from './DeviceCard';
import { DeviceTable } from './DeviceTable';
import { countBy, counters, matching, type Counter } from './groups';
import { useDevices } from './hooks';
import { LinkDevice } from './LinkDevice';

const route = getRouteApi('/shell/devices');
const TABLE_FROM = 100;

export default function DevicesPage() {
  const t = useWords().devices;
  const search = route.useSearch();
  const navigate = useNavigate();
  const mayEdit = useMay('operator');
  const devices = useDevices();
  const [linking, setLinking] = useState<Device | null>(null);
  const all = devices.data ?? [];
  const counter = counters.find((one) => one === search.state) ?? 'all';
  const shown = matching(all, counter, search.q ?? '');
  const view = search.view ?? (all.length >= TABLE_FROM ? 'table' : 'cards');
  const counts = devices.data === undefined ? null : countBy(all);

  const change = (next: Partial<typeof search>) =>
    void navigate({ to: '/devices', search: { ...search, ...next }, replace: true });

  return (
    <>
      <PageHead
        title={t.title}
        lead={t.lead}
        actions={
          mayEdit && (
            <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => change({ add: true })} data-page-new data-testid="devices-page-add">
              {t.add}
            </Button>
          )
        }
      />
      {(counts === null || all.length > 0) && !devices.isError && (
        <>
          <SimpleGrid cols={{ base: 3, md: 5 }} spacing="sm" mb="md">
            {counters.map((one: Counter) => (
              <Figure
                key={one}
                label={t.counters[one]}
                value={counts?.[one]}
                isPressed={counter === one}
                onClick={() => change({ state: one === 'all' ? undefined : one })}
                data-testid={`devices-counter-${one}`}
              />
            ))}
          </SimpleGrid>
          <FilterBar
            search={{ value: search.q ?? '', onChange: (q) => change({ q: q || undefined }), placeholder: t.searchPlaceholder }}
          >
            <SegmentedControl
              aria-label={t.view.label}
              value={view}
              onChange={(next) => change({ view: next as 'cards' | 'table' })}
              data={[
                { value: 'cards', label: t.view.cards },
                { value: 'table', label: t.view.table },
              ]}
              data-testid="devices-view"
            />
          </FilterBar>
        </>
      )}
      {list()}
      <AddDevice
        opened={search.add === true && mayEdit}
        onClose={() => change({ add: undefined })}
        onAdded={(device) => {
          if (device.is_linked) void navigate({ to: '/devices/$deviceId', params: { deviceId: device.id } });
          else setLinking(device);
        }}
      />
      {linking !== null && <LinkDevice device={linking} onClose={() => setLinking(null)} />}
    </>
  );

  function list() {
    if (devices.isError && devices.data === undefined) {
      return <FailedLoad problem={devices.error} onRetry={() => void devices.refetch()} />;
    }
    if (devices.data === undefined) return <Waiting />;
    if (all.length === 0) {
      return (
        <EmptyState
          icon={Smartphone}
          words={t.empty}
          hint={t.emptyHint}
          action={mayEdit && <Button onClick={() => change({ add: true })}>{t.add}</Button>}
        />
      );
    }
    if (shown.length === 0) return <NothingMatches onClear={() => change({ q: undefined, state: undefined })} />;
    if (view === 'table') return <DeviceTable devices={shown} onLink={setLinking} />;
    return (
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {shown.map((device) => (
          <DeviceCard key={device.id} device={device} onLink={() => setLinking(device)} />
        ))}
      </SimpleGrid>
    );
  }
}

function Waiting() {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      {[1, 2, 3].map((key) => (
        <Skeleton key={key} height={216} radius="lg" />
      ))}
    </SimpleGrid>
  );
}
