// The audit trail: who changed what, when and why; the chain that proves it whole; the same as a file.
import { ActionIcon, Anchor, Button, Code, Group, Popover, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Download, FileDiff, ScrollText, ShieldAlert, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { DataTable, type Column } from '@/parts/DataTable';
import { address } from '@/parts/address';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { FilterBar } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { useWords } from '@/words';
import { auditAddress, useAudit, useAuditProof, type AuditEntry, type AuditFilter } from './auditHooks';

export function Audit() {
  const t = useWords().settings.audit;
  const [filter, setFilter] = useState<AuditFilter>({});
  const list = useAudit(filter);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  const clear = () => setFilter({});
  return (
    <Section
      title={t.title}
      hint={
        <Stack gap={4}>
          <span>{t.hint}</span>
          <Proof />
        </Stack>
      }
      actions={
        <Button component="a" href={auditAddress(filter)} download variant="default" leftSection={<Download size={16} aria-hidden />} data-testid="audit-export">
          {t.export}
        </Button>
      }
    >
      <FilterBar>
        <Select
          label={t.action}
          placeholder={t.anyAction}
          data={Object.entries(t.filters).map(([value, label]) => ({ value, label }))}
          value={filter.action ?? null}
          onChange={(action) => setFilter({ ...filter, action: action ?? undefined })}
          clearable
          w={220}
          data-testid="audit-action"
        />
        <TextInput type="date" label={t.from} value={filter.start_date ?? ''} onChange={(event) => setFilter({ ...filter, start_date: event.currentTarget.value || undefined })} data-testid="audit-from" />
        <TextInput type="date" label={t.to} min={filter.start_date} value={filter.end_date ?? ''} onChange={(event) => setFilter({ ...filter, end_date: event.currentTarget.value || undefined })} data-testid="audit-to" />
      </FilterBar>
      <DataTable
        label={t.title}
        columns={useColumns()}
        list={list}
        rowId={(row) => String(row.seq)}
        empty={isFiltered ? <NothingMatches onClear={clear} /> : <EmptyState icon={ScrollText} words={t.empty} hint={t.emptyHint} />}
        data-testid="audit-list"
      />
    </Section>
  );
}

function Proof() {
  const t = useWords().settings.audit;
  const proof = useAuditProof().data;
  if (proof === undefined) return null;
  return (
    <Group gap={6} wrap="nowrap" c={proof.ok ? undefined : 'red'} data-testid="audit-proof" data-ok={proof.ok}>
      {proof.ok ? <ShieldCheck size={16} aria-hidden /> : <ShieldAlert size={16} aria-hidden />}
      <Text size="sm">{proof.first_broken === null ? t.whole(proof.entries) : t.broken(proof.first_broken)}</Text>
    </Group>
  );
}

function useColumns(): Column<AuditEntry>[] {
  const all = useWords();
  const t = all.settings.audit;
  const reasons = { ...all.states.reason, ...t.reasons };
  return [
    { key: 'at', header: t.columns.at, width: 130, render: (row) => <Moment at={row.at} />, onPhone: 'main' },
    { key: 'actor', header: t.columns.actor, render: (row) => <Words>{row.actor_id === null && row.actor === 'rules' ? t.byRules : row.actor}</Words>, onPhone: 'main' },
    { key: 'action', header: t.columns.action, render: (row) => <Text size="sm" fw={600}>{t.actions[row.action] ?? row.action}</Text>, onPhone: 'title' },
    { key: 'object', header: t.columns.object, render: (row) => <Thing row={row} /> },
    { key: 'reason', header: t.columns.reason, render: (row) => <Words>{row.reason === null ? '–' : (reasons[row.reason] ?? row.reason)}</Words> },
    { key: 'sides', header: t.columns.sides, width: 60, render: (row) => <Sides row={row} /> },
  ];
}

function Words({ children }: { children: string }) {
  return (
    <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
      {children}
    </Text>
  );
}

const pages: Record<string, (id: string) => string> = {
  campaign: (id) => `/campaigns/${id}`,
  device: (id) => `/devices/${id}`,
  import: (id) => `/leads/imports/${id}`,
};

/** What it was done to; the trail names nobody, so a person is only a short id. */
function Thing({ row }: { row: AuditEntry }) {
  const t = useWords().settings.audit;
  const kind = t.objects[row.object_kind] ?? row.object_kind;
  if (row.object_id === null) return <Words>{kind}</Words>;
  const page = pages[row.object_kind]?.(row.object_id);
  const short = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(row.object_id) ? row.object_id.slice(-8) : row.object_id;
  return (
    <Text size="sm" title={row.object_id} style={{ overflowWrap: 'anywhere' }}>
      {page === undefined ? (
        kind
      ) : (
        <Anchor component={Link} {...address(page)} size="sm">
          {kind}
        </Anchor>
      )}{' '}
      <Text span size="xs" c="dimmed">
        {short}
      </Text>
    </Text>
  );
}

function Sides({ row }: { row: AuditEntry }) {
  const t = useWords().settings.audit;
  const before = row.before ?? {};
  const after = row.after ?? {};
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (names.length === 0) return null;
  return (
    <Popover width={380} position="bottom-end" withArrow trapFocus shadow="md">
      <Popover.Target>
        <ActionIcon variant="subtle" size="lg" aria-label={t.showSides(row.seq)} data-testid="audit-sides">
          <FileDiff size={16} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown style={{ maxWidth: '92vw' }}>
        <Table fz="xs" layout="fixed" aria-label={t.showSides(row.seq)} tabIndex={-1} data-autofocus>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.what}</Table.Th>
              <Table.Th>{t.before}</Table.Th>
              <Table.Th>{t.after}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {names.map((name) => (
              <Table.Tr key={name}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{name}</Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{shown(before[name])}</Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{shown(after[name])}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Popover.Dropdown>
    </Popover>
  );
}

function shown(value: unknown) {
  if (value === undefined || value === null) return '–';
  return <Code>{typeof value === 'string' ? value : JSON.stringify(value)}</Code>;
}
