// Everybody who is left alone, with reason and words; nothing is deleted, only released with a reason and evidence.
import { Badge, Button, Group, Select, Stack, Text, Tooltip } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Download, HandMetal, Plus, SearchCheck, Upload } from 'lucide-react';
import { useState } from 'react';
import { useMay, useMe } from '@/accounts/hooks';
import { CampaignLink } from '@/campaigns/CampaignLink';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { FilterBar, type ActiveFilter } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { AddOptOut } from './AddOptOut';
import { CheckNumber } from './CheckNumber';
import { useOptOuts } from './hooks';
import { ImportOptOuts } from './ImportOptOuts';
import { ReleaseOptOut } from './ReleaseOptOut';
import { optOutReasons, optOutSources, type ConsentSearch } from './routes';
import type { OptOut } from './types';

const route = getRouteApi('/shell/consent/$tab');
/** What only an administrator may release. */
const forAdmins: OptOut['reason'][] = ['complaint', 'block', 'legal'];

export function OptOuts() {
  const t = useWords().consent.optOuts;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const mayEdit = useMay('operator');
  const isOwner = useMay('owner');
  const isAdmin = useMe().user.is_admin;
  const list = useOptOuts(search);
  const [dialog, setDialog] = useState<'add' | 'import' | 'check' | null>(null);
  const [releasing, setReleasing] = useState<OptOut | null>(null);
  const change = (next: ConsentSearch) => void navigate({ search: { ...search, ...next }, replace: true });
  const clear = () => void navigate({ search: {}, replace: true });
  const isFiltered = [search.q, search.reason, search.source, search.show].some((value) => value !== undefined);
  return (
    <>
      <Group justify="space-between" mb="md" align="flex-start">
        <Text c="dimmed" size="sm" maw={620}>
          {t.lead}
        </Text>
        <Group gap="xs">
          <Button variant="default" leftSection={<SearchCheck size={16} aria-hidden />} onClick={() => setDialog('check')} data-testid="opt-outs-check">
            {t.check}
          </Button>
          <Button variant="default" component="a" href="/api/opt-outs?format=csv" download leftSection={<Download size={16} aria-hidden />} data-testid="opt-outs-export">
            {t.export}
          </Button>
          {mayEdit && (
            <Button variant="default" leftSection={<Upload size={16} aria-hidden />} onClick={() => setDialog('import')} data-testid="opt-outs-import">
              {t.import}
            </Button>
          )}
          {mayEdit && (
            <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setDialog('add')} data-page-new data-testid="opt-outs-add">
              {t.add}
            </Button>
          )}
        </Group>
      </Group>
      <Filters search={search} onChange={change} onClear={clear} />
      <DataTable
        label={t.list}
        columns={useColumns()}
        list={list}
        rowId={(row) => row.id}
        rowName={(row) => row.name || row.phone || t.unknownNumber}
        empty={isFiltered ? <NothingMatches onClear={clear} /> : <EmptyState icon={HandMetal} words={t.empty} hint={t.emptyHint} />}
        rowActions={
          isOwner
            ? (row) =>
                row.is_live && (isAdmin || (!forAdmins.includes(row.reason) && !row.is_global)) ? (
                  <Button size="compact-sm" variant="subtle" onClick={() => setReleasing(row)} data-testid="opt-outs-release">
                    {t.release}
                  </Button>
                ) : null
            : undefined
        }
        data-testid="opt-outs-list"
      />
      {dialog === 'add' && <AddOptOut onClose={() => setDialog(null)} />}
      {dialog === 'import' && <ImportOptOuts onClose={() => setDialog(null)} />}
      {dialog === 'check' && <CheckNumber onClose={() => setDialog(null)} />}
      {releasing && <ReleaseOptOut optOut={releasing} onClose={() => setReleasing(null)} />}
    </>
  );
}

function Filters({ search, onChange, onClear }: { search: ConsentSearch; onChange: (next: ConsentSearch) => void; onClear: () => void }) {
  const t = useWords().consent.optOuts;
  const active: ActiveFilter[] = [
    ...(search.q ? [{ key: 'q', label: t.qIs(search.q), onRemove: () => onChange({ q: undefined }) }] : []),
    ...(search.reason ? [{ key: 'reason', label: t.reasons[search.reason] ?? search.reason, onRemove: () => onChange({ reason: undefined }) }] : []),
    ...(search.source ? [{ key: 'source', label: t.sources[search.source] ?? search.source, onRemove: () => onChange({ source: undefined }) }] : []),
    ...(search.show ? [{ key: 'show', label: t.shows[search.show], onRemove: () => onChange({ show: undefined }) }] : []),
  ];
  return (
    <FilterBar search={{ value: search.q ?? '', onChange: (q) => onChange({ q: q || undefined }), placeholder: t.search }} active={active} onClear={onClear}>
      <Select
        aria-label={t.reason}
        placeholder={t.anyReason}
        data={optOutReasons.map((value) => ({ value, label: t.reasons[value] ?? value }))}
        value={search.reason ?? null}
        onChange={(value) => onChange({ reason: optOutReasons.find((each) => each === value) })}
        clearable
        w={190}
        data-testid="opt-outs-filter-reason"
      />
      <Select
        aria-label={t.source}
        placeholder={t.anySource}
        data={optOutSources.map((value) => ({ value, label: t.sources[value] ?? value }))}
        value={search.source ?? null}
        onChange={(value) => onChange({ source: optOutSources.find((each) => each === value) })}
        clearable
        w={170}
      />
      <Select
        aria-label={t.show}
        placeholder={t.liveAndPast}
        data={[
          { value: 'live', label: t.shows.live },
          { value: 'past', label: t.shows.past },
        ]}
        value={search.show ?? null}
        onChange={(value) => onChange({ show: value === 'live' || value === 'past' ? value : undefined })}
        clearable
        w={210}
      />
    </FilterBar>
  );
}

function useColumns(): Column<OptOut>[] {
  const t = useWords().consent.optOuts;
  return [
    {
      key: 'who',
      header: t.columns.who,
      onPhone: 'title',
      render: (row) => (
        <Stack gap={0} style={{ minWidth: 150 }}>
          {row.name !== '' && (
            <Text size="sm" fw={600} lineClamp={1} style={{ overflowWrap: 'anywhere' }}>
              {row.name}
            </Text>
          )}
          {row.phone === null ? (
            <Text size="sm" c="dimmed">
              {t.unknownNumber}
            </Text>
          ) : (
            <Phone digits={row.phone} />
          )}
        </Stack>
      ),
    },
    {
      key: 'reason',
      header: t.columns.reason,
      onPhone: 'main',
      render: (row) => (
        <Group gap={6}>
          <Tooltip label={t.reasonHints[row.reason] ?? ''} multiline maw={300}>
            <Badge color={row.is_live ? 'red' : 'gray'} tt="none" miw="max-content" className={row.is_live ? 'hantar-state-red' : 'hantar-state-gray'} tabIndex={0}>
              {t.reasons[row.reason] ?? row.reason}
            </Badge>
          </Tooltip>
          {row.is_global && <Badge variant="default">{t.everywhere}</Badge>}
        </Group>
      ),
    },
    {
      key: 'text',
      header: t.columns.words,
      onPhone: 'main',
      render: (row) => (
        <Text size="sm" lineClamp={2} maw={260} style={{ overflowWrap: 'anywhere' }}>
          {row.text ? `“${row.text}”` : (row.note ?? '–')}
        </Text>
      ),
    },
    { key: 'source', header: t.columns.source, render: (row) => t.sources[row.source] ?? row.source },
    { key: 'device', header: t.columns.device, render: (row) => row.device_name ?? '–' },
    {
      key: 'campaign',
      header: t.columns.campaign,
      render: (row) => (row.campaign_id === null ? '–' : <CampaignLink id={row.campaign_id}>{row.campaign_title ?? t.aCampaign}</CampaignLink>),
    },
    { key: 'at', header: t.columns.at, render: (row) => <Moment at={row.created_at} /> },
    {
      key: 'released',
      header: t.columns.state,
      render: (row) =>
        row.released_at === null ? (
          <Text size="sm" style={{ whiteSpace: 'nowrap' }}>
            {t.inForce}
          </Text>
        ) : (
          <Tooltip label={row.release_reason ?? t.byThemselves} multiline maw={300}>
            <Text size="sm" c="dimmed" tabIndex={0}>
              {t.released} <Moment at={row.released_at} />
            </Text>
          </Tooltip>
        ),
    },
  ];
}
