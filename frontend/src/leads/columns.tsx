// The columns of the list, and lists of entries as chips.
import { Badge, Group, Text, Tooltip } from '@mantine/core';
import { useMemo } from 'react';
import { ConsentBadge } from '@/consent/PersonPanel';
import { useDevices } from '@/devices/hooks';
import type { Column } from '@/parts/DataTable';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import type { Lead } from './types';

const SHOWN = 2;

export function useLeadColumns(withDevice: boolean): Column<Lead>[] {
  const t = useWords().leads;
  const { data: devices } = useDevices();
  return useMemo(() => {
    const names = new Map(devices?.map((device) => [device.id, device.name]));
    const device: Column<Lead> = {
      key: 'device',
      header: t.columns.device,
      render: (lead) => <Short text={lead.device_id === null ? t.noDevice : (names.get(lead.device_id) ?? '')} />,
    };
    const columns: Column<Lead>[] = [
      { key: 'name', header: t.columns.name, render: (lead) => <Name text={lead.name} />, sortBy: 'name', onPhone: 'title' },
      { key: 'phone', header: t.columns.phone, render: (lead) => <Phone digits={lead.phone} />, onPhone: 'main' },
      device,
      { key: 'niches', header: t.columns.niches, render: (lead) => <Entries entries={lead.niches} />, onPhone: 'main' },
      { key: 'target', header: t.columns.target, render: (lead) => <Target status={lead.target_status} />, onPhone: 'main' },
      {
        key: 'consent',
        header: t.columns.consent,
        render: (lead) => (
          <div style={{ display: 'inline-flex', width: 'max-content' }}>
            <ConsentBadge consent={lead.consent} isOut={lead.opted_out} />
          </div>
        ),
      },
      { key: 'triggers', header: t.columns.triggers, render: (lead) => <Entries entries={lead.triggers} /> },
      { key: 'note', header: t.columns.note, render: (lead) => <Short text={lead.additional_note ?? ''} /> },
      { key: 'added', header: t.columns.added, render: (lead) => <Moment at={lead.created_at} />, sortBy: 'created_at' },
    ];
    return withDevice ? columns : columns.filter((column) => column !== device);
  }, [t, devices, withDevice]);
}

/** Never cut off, however narrow the column. */
function Target({ status }: { status: string }) {
  return (
    <div style={{ display: 'inline-flex', width: 'max-content' }}>
      <StateBadge kind="target" state={status} />
    </div>
  );
}

/** A name may be long, in any script, in either direction. */
function Name({ text }: { text: string }) {
  return (
    <Text span inherit dir="auto" lineClamp={2} miw={140} style={{ overflowWrap: 'anywhere' }}>
      {text}
    </Text>
  );
}

/** One line of a longer text, the whole in the tooltip. */
function Short({ text }: { text: string }) {
  if (text === '') return null;
  const isShort = text.length < 15;
  return (
    <Tooltip label={text} disabled={isShort} multiline maw={360}>
      <Text size="sm" dir="auto" truncate maw={{ base: 200, sm: 112 }} tabIndex={isShort ? undefined : 0}>
        {text}
      </Text>
    </Tooltip>
  );
}

/** Niches or triggers: the first few as chips, the rest behind a number. */
export function Entries({ entries }: { entries: string[] }) {
  const t = useWords().leads;
  const hidden = entries.slice(SHOWN);
  return (
    <Group gap={4} w="max-content" maw={{ base: '100%', sm: 148 }}>
      {entries.slice(0, SHOWN).map((entry) => (
        <Badge key={entry} color="gray" tt="none" fw={500} maw={128} className="hantar-state-gray" title={entry}>
          {entry}
        </Badge>
      ))}
      {hidden.length > 0 && (
        <Tooltip label={hidden.join(', ')}>
          <Badge color="gray" variant="outline" tt="none" tabIndex={0} aria-label={hidden.join(', ')} role="img">
            {t.moreEntries(hidden.length)}
          </Badge>
        </Tooltip>
      )}
    </Group>
  );
}
