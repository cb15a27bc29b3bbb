// Past imports: file, device, when, and what became of the rows.
import { Anchor, Badge, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleMinus, CircleX, FileUp, History, LoaderCircle, type LucideIcon } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { useDevices } from '@/devices/hooks';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { useImports } from './hooks';
import type { Import } from './types';

export default function ImportsPage() {
  const t = useWords();
  const words = t.leads.imports.list;
  const mayEdit = useMay('operator');
  const list = useImports();
  const { data: devices = [] } = useDevices();
  const names = new Map(devices.map((device) => [device.id, device.name]));
  const start = mayEdit && (
    <Button
      component={Link}
      to="/leads/import"
      leftSection={<FileUp size={16} aria-hidden />}
      data-page-new
      data-testid="imports-start"
    >
      {words.start}
    </Button>
  );
  const columns: Column<Import>[] = [
    { key: 'file', header: words.file, render: (row) => <FileName of={row} />, onPhone: 'title' },
    { key: 'status', header: words.status, render: (row) => <Status status={row.status} />, onPhone: 'main' },
    { key: 'device', header: words.device, render: (row) => <Text size="sm">{names.get(row.device_id ?? '') ?? ''}</Text> },
    { key: 'created', header: t.leads.imports.dry.created, render: (row) => number(row.created), align: 'right' },
    { key: 'updated', header: t.leads.imports.dry.updated, render: (row) => number(row.updated), align: 'right' },
    { key: 'skipped', header: words.skipped, render: (row) => number(row.skipped), align: 'right' },
    { key: 'failed', header: words.failed, render: (row) => number(row.failed), align: 'right' },
    { key: 'when', header: words.when, render: (row) => <Moment at={row.created_at} as="full" />, onPhone: 'main' },
  ];
  return (
    <>
      <PageHead title={words.title} lead={words.lead} crumbs={[{ label: t.leads.title, to: '/leads' }]} actions={start} />
      <DataTable<Import>
        label={words.table}
        columns={columns}
        list={list}
        rowId={(row) => row.id}
        empty={<EmptyState icon={History} words={words.empty} hint={words.emptyHint} action={start} />}
        data-testid="imports-list"
      />
    </>
  );
}

function FileName({ of }: { of: Import }) {
  return (
    <Anchor
      component={Link}
      to="/leads/imports/$importId"
      params={{ importId: of.id } as never}
      fw={600}
      size="sm"
      style={{ overflowWrap: 'anywhere' }}
      data-testid="imports-open"
    >
      {of.file_name}
    </Anchor>
  );
}

const looks: Record<string, [color: string, icon: LucideIcon]> = {
  running: ['blue', LoaderCircle],
  done: ['green', CircleCheck],
  failed: ['red', CircleX],
  cancelled: ['gray', CircleMinus],
};

function Status({ status }: { status: string }) {
  const t = useWords().leads.imports.list.statuses;
  const [color, Icon] = looks[status] ?? (['gray', LoaderCircle] as const);
  return (
    <Group gap={0}>
      <Badge
        color={color}
        tt="none"
        leftSection={<Icon size={13} aria-hidden />}
        className={`hantar-state-${color}`}
        data-state={status}
      >
        {t[status]}
      </Badge>
    </Group>
  );
}
