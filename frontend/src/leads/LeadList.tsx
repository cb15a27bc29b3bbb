// The list itself: filters, rows, selection, and the drawer of one lead. Of the whole workspace, or of one device.
import { Alert, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { FileUp, Users } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { useDevices } from '@/devices/hooks';
import { DataTable } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { useWords } from '@/words';
import { BulkActions } from './BulkActions';
import { LeadActions } from './LeadActions';
import { LeadDrawer } from './LeadDrawer';
import { LeadFilters } from './LeadFilters';
import { useLeadColumns } from './columns';
import { DEFAULT_SORT, isFiltered, noFilter, toApi, type Sort } from './filter';
import { useFacets, useLeads } from './hooks';
import type { Lead } from './types';
import { useLeadSearch } from './useLeadSearch';

interface Props {
  /** Leads of this device only; for a tab of its page. */
  deviceId?: string;
}

export function LeadList({ deviceId }: Props) {
  const t = useWords().leads;
  const mayEdit = useMay('operator');
  const [search, change] = useLeadSearch();
  const filter = toApi(search, deviceId);
  const sort = search.sort ?? DEFAULT_SORT;
  const list = useLeads(filter, sort);
  const facets = useFacets(deviceId).data;
  const columns = useLeadColumns(deviceId === undefined);
  const [choice, choose] = useChoice(JSON.stringify(filter));

  const total = list.total ?? list.rows.length;
  const shown = choice.isAll ? new Set(list.rows.map((lead) => lead.id)) : choice.ids;
  const chosenCount = choice.isAll ? total : choice.ids.size;
  const canChooseAll =
    !choice.isAll && list.hasMore && list.rows.length > 0 && list.rows.every((lead) => choice.ids.has(lead.id));

  return (
    <>
      {deviceId !== undefined && (
        <Group justify="flex-end" mb="md" gap="xs">
          <LeadActions deviceId={deviceId} />
        </Group>
      )}
      {(facets?.total !== 0 || isFiltered(search)) && (
        <LeadFilters search={search} onChange={change} facets={facets} deviceId={deviceId} />
      )}
      <Counted total={list.total} all={facets?.total} isFiltered={isFiltered(search)} />
      {canChooseAll && (
        <Alert variant="light" color="tide" py="xs" mb="sm" data-testid="leads-select-note">
          <Button
            size="compact-sm"
            variant="subtle"
            onClick={() => choose({ isAll: true, ids: new Set() })}
            data-testid="leads-select-all"
          >
            {t.bulk.selectAll(total)}
          </Button>
        </Alert>
      )}
      <DataTable<Lead>
        label={t.table}
        columns={columns}
        list={list}
        rowId={(lead) => lead.id}
        rowName={(lead) => lead.name}
        sort={sort}
        onSort={(next) => void change({ sort: next as Sort })}
        selected={shown}
        onSelect={mayEdit ? (ids) => choose({ isAll: false, ids }) : undefined}
        selectedWords={choice.isAll ? t.bulk.allSelected(total) : undefined}
        onOpen={(lead) => void change({ lead: lead.id }, { push: true })}
        bulk={
          <BulkActions
            target={choice.isAll ? { filter } : { ids: [...choice.ids] }}
            count={chosenCount}
            facets={facets}
            onDone={() => choose(nobody)}
          />
        }
        empty={
          isFiltered(search) ? (
            <NothingMatches onClear={() => void change(noFilter)} />
          ) : (
            <NoLeads mayEdit={mayEdit} deviceId={deviceId} />
          )
        }
        data-testid="leads-list"
      />
      <LeadDrawer deviceId={deviceId} facets={facets} />
    </>
  );
}

interface Choice {
  /** Everything that matches, also what is not on the screen. */
  isAll: boolean;
  ids: Set<string>;
}

const nobody: Choice = { isAll: false, ids: new Set() };

/** What is selected; another filter starts anew. */
function useChoice(filter: string): [Choice, (choice: Choice) => void] {
  const [choice, choose] = useState<Choice>(nobody);
  useEffect(() => choose(nobody), [filter]);
  return [choice, choose];
}

function Counted({ total, all, isFiltered }: { total: number | null; all: number | undefined; isFiltered: boolean }) {
  const t = useWords().leads.count;
  if (total === null || all === undefined || all === 0) return null;
  return (
    <Text size="sm" c="dimmed" mb="xs" role="status" data-testid="leads-count">
      {isFiltered ? t.matches(total, all) : t.all(all)}
    </Text>
  );
}

function NoLeads({ mayEdit, deviceId }: { mayEdit: boolean; deviceId?: string }) {
  const t = useWords().leads;
  const { data: devices } = useDevices();
  if (devices?.length === 0) {
    return (
      <EmptyState
        icon={Users}
        words={t.empty.noDevices}
        action={
          mayEdit && (
            <Button component={Link} to="/devices" search={{ add: true } as never}>
              {t.empty.addDevice}
            </Button>
          )
        }
      />
    );
  }
  return (
    <EmptyState
      icon={Users}
      words={deviceId !== undefined ? t.empty.wordsDevice : t.empty.words}
      hint={mayEdit ? t.empty.hint : t.empty.hintViewer}
      action={
        mayEdit && (
          <Button
            component={Link}
            to="/leads/import"
            search={{ device: deviceId } as never}
            leftSection={<FileUp size={16} aria-hidden />}
            data-testid="leads-empty-import"
          >
            {t.imports.list.start}
          </Button>
        )
      }
    />
  );
}
