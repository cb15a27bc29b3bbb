// Many devices as rows.
import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Device } from '@/api/types';
import { DataTable, type Column } from '@/parts/DataTable';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { DeviceMenu } from './DeviceMenu';
import { DeviceState } from './DeviceState';

/** Rows drawn at a time; the rest waits behind "Load more". */
const PAGE = 100;

export function DeviceTable({ devices, onLink }: { devices: Device[]; onLink: (device: Device) => void }) {
  const t = useWords().devices;
  const [most, setMost] = useState(PAGE);
  const columns: Column<Device>[] = [
    {
      key: 'name',
      header: t.columns.name,
      onPhone: 'title',
      render: (device) => (
        <Anchor component={Link} to={`/devices/${device.id}`} fw={600} lineClamp={2} maw={320} style={{ overflowWrap: 'anywhere' }}>
          {device.name}
        </Anchor>
      ),
    },
    { key: 'state', header: t.columns.state, onPhone: 'main', render: (device) => <DeviceState device={device} /> },
    { key: 'phone', header: t.columns.phone, onPhone: 'main', render: (device) => <Phone digits={device.phone} /> },
    { key: 'leads', header: t.columns.leads, align: 'right', render: (device) => number(device.lead_count) },
    { key: 'sent', header: t.columns.sent, align: 'right', render: (device) => number(device.sent_today) },
    { key: 'failed', header: t.columns.failed, align: 'right', render: (device) => number(device.failed_today) },
    { key: 'queue', header: t.columns.queue, align: 'right', render: (device) => number(device.queue_size) },
    { key: 'seen', header: t.columns.lastSeen, render: (device) => <Moment at={device.last_seen} /> },
  ];
  return (
    <DataTable
      label={t.list}
      columns={columns}
      list={{
        rows: devices.slice(0, most),
        total: devices.length,
        isLoading: false,
        problem: null,
        retry: () => {},
        hasMore: most < devices.length,
        loadMore: () => setMost(most + PAGE),
      }}
      rowId={(device) => device.id}
      empty={null}
      rowActions={(device) => <DeviceMenu device={device} onLink={() => onLink(device)} />}
      data-testid="devices-table"
    />
  );
}
