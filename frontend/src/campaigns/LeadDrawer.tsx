// The leads behind a count of the device report: by status, searchable, as CSV.
import { Button, Drawer, Group, Stack, Tabs, Text } from '@mantine/core';
import { Download, Users } from 'lucide-react';
import { useState } from 'react';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { FilterBar } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { address, useReportLeads } from './hooks';
import type { Asked } from './ReportTab';
import { StatusCell, whyWords } from './StatusCell';
import type { Campaign, ReportLead } from './types';

const tabs = ['all', 'pending', 'success', 'failed', 'skipped', 'unconfirmed'];

interface Props {
  campaign: Campaign;
  asked: Asked;
  onAsk: (asked: Asked) => void;
  onClose: () => void;
}

export function LeadDrawer({ campaign, asked, onAsk, onClose }: Props) {
  const t = useWords();
  const words = t.campaigns.report;
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="xl"
      title={words.drawer(asked.device.name)}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="campaigns-report-drawer"
    >
      <Tabs value={asked.status} onChange={(status) => onAsk({ ...asked, status: status ?? 'all' })}>
        <Tabs.List mb="md" aria-label={words.showWhich}>
          {tabs.map((tab) => (
            <Tabs.Tab key={tab} value={tab} data-testid={`campaigns-drawer-${tab}`}>
              {words.tabs[tab]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={asked.status}>
          <People key={asked.status} campaign={campaign} asked={asked} />
        </Tabs.Panel>
      </Tabs>
    </Drawer>
  );
}

function People({ campaign, asked }: { campaign: Campaign; asked: Asked }) {
  const t = useWords().campaigns;
  const [q, setQ] = useState('');
  const status = asked.status === 'all' ? undefined : asked.status;
  const list = useReportLeads(campaign.id, asked.device.device_id, { status, q: q || undefined });
  const csv = address(`/api/campaigns/${campaign.id}/device/${asked.device.device_id}/leads`, { status, q, format: 'csv' });
  return (
    <Stack gap="xs">
      <FilterBar search={{ value: q, onChange: setQ, placeholder: t.recipients.search }}>
        <Button
          component="a"
          href={csv}
          download
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          aria-label={t.recipients.csvOf}
          data-testid="campaigns-drawer-csv"
        >
          {t.report.csv}
        </Button>
      </FilterBar>
      <DataTable
        label={t.report.drawer(asked.device.name)}
        columns={useColumns()}
        list={list}
        rowId={(row) => row.message_id}
        empty={q === '' ? <EmptyState icon={Users} words={t.recipients.empty} /> : <NothingMatches onClear={() => setQ('')} />}
      />
    </Stack>
  );
}

function useColumns(): Column<ReportLead>[] {
  const t = useWords();
  const words = t.campaigns.recipients;
  return [
    { key: 'name', header: words.columns.name, render: (row) => <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{row.name || words.noName}</Text>, onPhone: 'title' },
    { key: 'phone', header: words.columns.phone, render: (row) => <Phone digits={row.phone} />, onPhone: 'main' },
    {
      key: 'status',
      header: words.columns.status,
      onPhone: 'main',
      render: (row) => (
        <Group gap={6} wrap="nowrap">
          <StatusCell status={row.status} state={row.state} />
        </Group>
      ),
    },
    { key: 'sent', header: words.columns.sent, render: (row) => <Moment at={row.sent_at} as="chat" /> },
    { key: 'why', header: words.columns.why, render: (row) => <Text size="sm">{whyWords(t, row) ?? '–'}</Text> },
  ];
}
