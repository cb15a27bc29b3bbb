// Who gets what, when, from which device; who is left out and why; and each device's share. Paged, searchable, as CSV.
import { Anchor, Button, Chip, Group, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Download, UserX, Users } from 'lucide-react';
import { useState } from 'react';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { FilterBar } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { address, useRecipients } from '../hooks';
import type { DevicePlan, Plan, Recipient } from '../types';

type View = 'people' | 'left' | 'devices';

export function PlanPeople({ plan, hasFile }: { plan: Plan; hasFile: boolean }) {
  const t = useWords().campaigns.editor.plan;
  const [view, setView] = useState<View>('people');
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t.view}
        data={[
          { value: 'people', label: t.people },
          { value: 'left', label: `${t.leftTab} (${number(plan.excluded)})` },
          { value: 'devices', label: t.devicesTab },
        ]}
        value={view}
        onChange={(next) => setView(next as View)}
        data-testid="campaigns-plan-view"
      />
      {view === 'people' && <People plan={plan} hasFile={hasFile} />}
      {view === 'left' && <LeftOut plan={plan} />}
      {view === 'devices' && <Devices plan={plan} />}
    </Stack>
  );
}

function People({ plan, hasFile }: { plan: Plan; hasFile: boolean }) {
  const t = useWords().campaigns.editor.plan;
  const [q, setQ] = useState('');
  const [device, setDevice] = useState<string | null>(null);
  const list = useRecipients(plan.plan_id, { included: true, q: q || undefined, device_id: device ?? undefined });
  const isFiltered = q !== '' || device !== null;
  const clear = () => {
    setQ('');
    setDevice(null);
  };
  return (
    <div>
      <FilterBar search={{ value: q, onChange: setQ, placeholder: t.search }}>
        {plan.devices.length > 1 && (
          <Select
            aria-label={t.device}
            placeholder={t.anyDevice}
            data={plan.devices.map((each) => ({ value: each.device_id, label: each.name }))}
            value={device}
            onChange={setDevice}
            searchable
            clearable
            w={180}
            data-testid="campaigns-plan-device"
          />
        )}
        <CsvLink plan={plan} query={{ included: true }} />
      </FilterBar>
      <DataTable
        label={t.people}
        columns={usePeopleColumns(hasFile)}
        list={{ ...list, total: isFiltered ? null : plan.will_send }}
        rowId={(row) => row.lead_id}
        empty={isFiltered ? <NothingMatches onClear={clear} /> : <EmptyState icon={Users} words={t.nobody} hint={t.nobodyHint} />}
        data-testid="campaigns-plan-people"
      />
    </div>
  );
}

function usePeopleColumns(hasFile: boolean): Column<Recipient>[] {
  const t = useWords().campaigns.editor.plan;
  return [
    { key: 'name', header: t.columns.name, render: (row) => <Who row={row} />, onPhone: 'title' },
    {
      key: 'text',
      header: t.columns.text,
      onPhone: 'main',
      render: (row) => (
        <Text size="sm" lineClamp={2} title={row.text} style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-line' }}>
          {row.text === '' ? t.fileAlone : hasFile ? `📎 ${row.text}` : row.text}
        </Text>
      ),
    },
    { key: 'at', header: t.columns.at, render: (row) => <When row={row} />, onPhone: 'main' },
    { key: 'device', header: t.columns.device, render: (row) => <Text size="sm" lineClamp={2}>{row.device_name}</Text> },
  ];
}

function When({ row }: { row: Recipient }) {
  const t = useWords().campaigns.editor.rules;
  return (
    <div>
      <Moment at={row.earliest_at} as="full" />
      {row.moved_by !== null && row.moved_by !== undefined && (
        <Text size="xs" c="dimmed">
          {t.movedBy[row.moved_by] ?? row.moved_by}
        </Text>
      )}
    </div>
  );
}

function Who({ row }: { row: Recipient }) {
  const t = useWords().campaigns.recipients;
  return (
    <div style={{ minWidth: 120 }}>
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {row.name || t.noName}
      </Text>
      <Phone digits={row.phone} size="xs" />
    </div>
  );
}

function LeftOut({ plan }: { plan: Plan }) {
  const t = useWords();
  const words = t.campaigns.editor.plan;
  const [reason, setReason] = useState('all');
  const [q, setQ] = useState('');
  const causes = Object.entries(plan.excluded_by_reason);
  const list = useRecipients(plan.plan_id, { included: false, reason: reason === 'all' ? undefined : reason, q: q || undefined });
  if (plan.excluded === 0) return <EmptyState icon={UserX} words={words.nobodyLeft} hint={words.nobodyLeftHint} />;
  return (
    <div>
      <FilterBar search={{ value: q, onChange: setQ, placeholder: words.search }}>
        <CsvLink plan={plan} query={{ included: false }} />
      </FilterBar>
      <Chip.Group value={reason} onChange={(next) => setReason(String(next))}>
        <Group gap={6} mb="sm" role="radiogroup" aria-label={words.reason}>
          <Chip value="all" size="sm">
            {words.reasonCount(words.anyReason, plan.excluded)}
          </Chip>
          {causes.map(([cause, n]) => (
            <Chip key={cause} value={cause} size="sm" data-testid={`campaigns-plan-reason-${cause}`}>
              {words.reasonCount(t.states.reason[cause] ?? cause, n)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      {plan.excluded_by_reason.no_consent !== undefined && (
        <Text size="sm" mb="sm" data-testid="campaigns-plan-no-consent">
          {words.noConsent}{' '}
          <Anchor component={Link} to="/leads/imports" size="sm" underline="always">
            {words.toImports}
          </Anchor>
        </Text>
      )}
      <DataTable
        label={words.leftTab}
        columns={[
          { key: 'name', header: words.columns.name, render: (row) => <Who row={row} />, onPhone: 'title' },
          { key: 'why', header: words.columns.reason, render: (row) => <Text size="sm">{t.states.reason[row.reason ?? ''] ?? row.reason}</Text>, onPhone: 'main' },
          { key: 'device', header: words.columns.device, render: (row) => <Text size="sm">{row.device_name ?? '–'}</Text> },
        ]}
        list={list}
        rowId={(row) => row.lead_id}
        empty={<NothingMatches onClear={() => { setQ(''); setReason('all'); }} />}
        data-testid="campaigns-plan-left-out"
      />
    </div>
  );
}

function Devices({ plan }: { plan: Plan }) {
  const t = useWords().campaigns.editor.plan;
  const columns: Column<DevicePlan>[] = [
    { key: 'name', header: t.columns.device, render: (row) => <Text size="sm" fw={600}>{row.name}</Text>, onPhone: 'title' },
    { key: 'state', header: t.columns.state, render: (row) => <StateBadge kind="device" state={row.state} />, onPhone: 'main' },
    { key: 'count', header: t.columns.count, align: 'right', render: (row) => number(row.count), onPhone: 'main' },
    { key: 'first', header: t.columns.firstAt, render: (row) => <Moment at={row.first_at} as="full" /> },
    { key: 'last', header: t.columns.lastAt, render: (row) => <Moment at={row.last_at} as="full" /> },
  ];
  return (
    <DataTable
      label={t.devicesTab}
      columns={columns}
      list={{ rows: plan.devices, isLoading: false, problem: null, retry: () => {} }}
      rowId={(row) => row.device_id}
      empty={<EmptyState icon={Users} words={t.nobody} hint={t.nobodyHint} />}
      data-testid="campaigns-plan-devices-table"
    />
  );
}

function CsvLink({ plan, query }: { plan: Plan; query: Record<string, boolean> }) {
  const t = useWords().campaigns.editor.plan;
  return (
    <Button
      component="a"
      href={address(`/api/plans/${plan.plan_id}/recipients`, { ...query, format: 'csv' })}
      download
      variant="default"
      leftSection={<Download size={16} aria-hidden />}
      aria-label={t.csvOf}
      data-testid="campaigns-plan-csv"
    >
      {t.csv}
    </Button>
  );
}
