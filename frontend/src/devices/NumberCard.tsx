// What WhatsApp's service says about a number with credentials: its name, how people take it, how many it may write to.
import { Badge, Button, Group, Table, Text } from '@mantine/core';
import { KeyRound, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import type { Device, DeviceNumber } from '@/api/types';
import { CopyButton } from '@/parts/CopyButton';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useAskAgain } from './kindHooks';
import { ReplaceToken } from './ReplaceToken';
import { tierWords } from './tier';

const COLOURS: Record<string, string> = { green: 'green', yellow: 'yellow', red: 'red', unknown: 'gray' };

export function NumberCard({ device, number }: { device: Device; number: DeviceNumber }) {
  const words = useWords().kinds;
  const t = words.card;
  const mayEdit = useMay('operator');
  const again = useAskAgain(device.id);
  const [run, isBusy] = useAction();
  const [isReplacing, setReplacing] = useState(false);
  const rows: [string, React.ReactNode][] = [
    [t.name, number.name || '–'],
    [
      t.quality,
      <div key="quality">
        <Badge color={COLOURS[number.quality]} tt="none" className={`hantar-state hantar-state-${COLOURS[number.quality]}`} data-testid="number-quality">
          {t.qualities[number.quality]}
        </Badge>
        <Text size="sm" c="dimmed">
          {number.quality_words}
        </Text>
      </div>,
    ],
    [t.tier, tierWords(words, number)],
    [t.numberId, <Copied key="id" text={number.number_id} label={t.numberId} />],
    [t.businessId, number.business_id ? <Copied key="business" text={number.business_id} label={t.businessId} /> : t.noBusinessId],
    [t.checked, <Moment key="checked" at={number.checked_at} as="full" />],
  ];
  return (
    <Section title={t.title} hint={t.hint} data-testid="device-number">
      <Table variant="vertical" layout="fixed" withRowBorders={false}>
        <Table.Tbody>
          {rows.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w={140}>{label}</Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {mayEdit && (
        <Group mt="md" gap="sm">
          <Button
            variant="default"
            size="xs"
            loading={isBusy}
            leftSection={<RefreshCw size={14} aria-hidden />}
            onClick={() => void run(() => again.mutateAsync(), t.asked)}
            data-testid="number-ask-again"
          >
            {t.ask}
          </Button>
          <Button variant="default" size="xs" leftSection={<KeyRound size={14} aria-hidden />} onClick={() => setReplacing(true)} data-testid="number-replace-token">
            {words.replace.open}
          </Button>
        </Group>
      )}
      {isReplacing && <ReplaceToken device={device} onClose={() => setReplacing(false)} />}
    </Section>
  );
}

function Copied({ text, label }: { text: string; label: string }) {
  return (
    <Group gap={2} wrap="nowrap" component="span" display="inline-flex">
      <Text span size="sm" style={{ fontVariantNumeric: 'tabular-nums' }}>
        {text}
      </Text>
      <CopyButton value={text} label={label} />
    </Group>
  );
}
