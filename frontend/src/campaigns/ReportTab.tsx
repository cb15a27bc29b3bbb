// The device report: totals, one row per device, and behind every count the list of its leads. Can be printed.
import './print.css';
import { Anchor, Button, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { ChartNoAxesColumn, Download, Printer, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState } from '@/parts/EmptyState';
import { Figure } from '@/parts/Figure';
import { FailedLoad } from '@/parts/ProblemNote';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { canRetry } from './actions';
import { address, useReport } from './hooks';
import { LeadDrawer } from './LeadDrawer';
import { RetryDialog } from './RetryDialog';
import type { Campaign, DeviceRow, Report } from './types';

export interface Asked {
  device: DeviceRow;
  status: string;
}

export function ReportTab({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.report;
  const report = useReport(campaign.id);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [again, setAgain] = useState<DeviceRow | null>(null);
  const mayRetry = useMay('operator') && canRetry(campaign);
  if (report.isError && report.data === undefined) return <FailedLoad problem={report.error} onRetry={() => void report.refetch()} />;
  return (
    <Stack gap="lg">
      <Boxes report={report.data} />
      {report.data !== undefined && <Reasons report={report.data} />}
      <Group justify="flex-end" gap="xs">
        <Button
          component="a"
          href={address(`/api/campaigns/${campaign.id}/device-report`, { format: 'csv' })}
          download
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          aria-label={t.csvOf}
          data-testid="campaigns-report-csv"
        >
          {t.csv}
        </Button>
        <Button variant="default" leftSection={<Printer size={16} aria-hidden />} onClick={() => window.print()} data-testid="campaigns-report-print">
          {t.print}
        </Button>
      </Group>
      <DataTable
        label={t.title}
        columns={useColumns(setAsked)}
        list={{
          rows: report.data?.devices ?? [],
          isLoading: report.isPending,
          problem: null,
          retry: () => void report.refetch(),
        }}
        rowId={(row) => row.device_id}
        rowActions={mayRetry ? (row) => row.failed_leads > 0 && <RetryButton row={row} ask={setAgain} /> : undefined}
        empty={<EmptyState icon={ChartNoAxesColumn} words={t.none} hint={t.noneHint} />}
        data-testid="campaigns-report-table"
      />
      {again !== null && <RetryDialog campaign={campaign} device={{ id: again.device_id, name: again.name }} onClose={() => setAgain(null)} />}
      {asked !== null && <LeadDrawer campaign={campaign} asked={asked} onAsk={setAsked} onClose={() => setAsked(null)} />}
    </Stack>
  );
}

function Boxes({ report }: { report: Report | undefined }) {
  const t = useWords().campaigns.report.boxes;
  const boxes: [name: string, label: string, value: number | undefined][] = [
    ['should', t.should, report?.should_send],
    ['done', t.done, report?.done_send],
    ['failed', t.failed, report?.failed_send],
    ['remaining', t.remaining, report?.remaining_send],
    ['people', t.people, report?.total_leads],
    ['devices', t.devices, report?.total_devices],
    ['online', t.online, report?.active_devices],
    ['offline', t.offline, report?.disconnected_devices],
  ];
  if (report !== undefined && report.skipped > 0) boxes.push(['skipped', t.skipped, report.skipped]);
  if (report !== undefined && report.unconfirmed > 0) boxes.push(['unconfirmed', t.unconfirmed, report.unconfirmed]);
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      {boxes.map(([name, label, value]) => (
        <Figure key={name} label={label} value={value} data-testid={`campaigns-report-${name}`} />
      ))}
    </SimpleGrid>
  );
}

function Reasons({ report }: { report: Report }) {
  const t = useWords();
  const reasons = Object.entries(report.skipped_by_reason);
  if (reasons.length === 0) return null;
  const list = reasons.map(([reason, n]) => t.campaigns.report.reasonCount(t.states.reason[reason] ?? reason, n)).join(', ');
  return (
    <Text size="sm" c="dimmed" data-testid="campaigns-report-reasons">
      {t.campaigns.report.reasons(list)}
    </Text>
  );
}

function useColumns(ask: (asked: Asked) => void): Column<DeviceRow>[] {
  const t = useWords().campaigns.report;
  const counts: [key: string, header: string, status: string, of: (row: DeviceRow) => number][] = [
    ['total', t.columns.total, 'all', (row) => row.total_leads],
    ['pending', t.columns.pending, 'pending', (row) => row.pending_leads],
    ['success', t.columns.success, 'success', (row) => row.success_leads],
    ['failed', t.columns.failed, 'failed', (row) => row.failed_leads],
    ['skipped', t.columns.skipped, 'skipped', (row) => row.skipped],
    ['unconfirmed', t.columns.unconfirmed, 'unconfirmed', (row) => row.unconfirmed],
  ];
  return [
    { key: 'device', header: t.columns.device, render: (row) => <Text fw={600} miw={110} style={{ overflowWrap: 'anywhere' }}>{row.name}</Text>, onPhone: 'title' },
    { key: 'state', header: t.columns.state, render: (row) => <StateBadge kind="device" state={row.state} />, onPhone: 'main' },
    ...counts.map(
      ([key, header, status, of]): Column<DeviceRow> => ({
        key,
        header,
        align: 'right',
        render: (row) => <CountButton row={row} n={of(row)} what={header} status={status} ask={ask} />,
      }),
    ),
    { key: 'rate', header: t.columns.rate, render: (row) => <Rate row={row} />, onPhone: 'main' },
  ];
}

interface CountProps {
  row: DeviceRow;
  n: number;
  what: string;
  status: string;
  ask: (asked: Asked) => void;
}

function CountButton({ row, n, what, status, ask }: CountProps) {
  const t = useWords().campaigns.report;
  if (n === 0) return <Text span c="dimmed">0</Text>;
  return (
    <Anchor
      component="button"
      type="button"
      onClick={() => ask({ device: row, status })}
      aria-label={t.open(n, what, row.name)}
      style={{ minWidth: 28, minHeight: 24, textAlign: 'right' }}
      data-testid={`campaigns-report-open-${status}`}
    >
      {number(n)}
    </Anchor>
  );
}

function RetryButton({ row, ask }: { row: DeviceRow; ask: (row: DeviceRow) => void }) {
  const t = useWords().campaigns;
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<RotateCw size={14} aria-hidden />}
      onClick={() => ask(row)}
      aria-label={t.retry.ofDevice(row.name)}
      data-testid="campaign-retry-device"
    >
      {t.retry.short}
    </Button>
  );
}

function Rate({ row }: { row: DeviceRow }) {
  const t = useWords().campaigns;
  if (row.success_rate === null) return <Text span c="dimmed">–</Text>;
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress.Root size={8} w={70} radius="xl">
        <Progress.Section value={row.success_rate} color="teal" aria-label={t.report.columns.rate} />
      </Progress.Root>
      <Text size="sm">{t.percent(row.success_rate)}</Text>
    </Group>
  );
}

