// The last messages of a device with their ticks, live.
import { Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { MessageSquareDashed } from 'lucide-react';
import type { Device, Message } from '@/api/types';
import { Why } from '@/consent/Why';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { FailedLoad } from '@/parts/ProblemNote';
import { StateBadge } from '@/parts/StateBadge';
import { Ticks } from '@/parts/Ticks';
import { useWords } from '@/words';
import { useDeviceMessages } from './hooks';

export function ActivityLog({ device }: { device: Device }) {
  const t = useWords().devices.actions;
  const messages = useDeviceMessages(device.id);
  if (messages.isError && !messages.data) return <FailedLoad problem={messages.error} onRetry={() => void messages.refetch()} />;
  if (messages.isPending) return <Skeleton height={240} />;
  if (messages.data.items.length === 0) return <EmptyState icon={MessageSquareDashed} words={t.logEmpty} />;
  return (
    <Stack gap="xs" role="list">
      {messages.data.items.map((message) => (
        <Line key={message.id} message={message} />
      ))}
    </Stack>
  );
}

function Line({ message }: { message: Message }) {
  const t = useWords();
  const words = t.devices.actions;
  const why = message.reason ?? message.waiting_for;
  const hint = why ? (t.states.reason[why] ?? why) : message.error;
  return (
    <Paper withBorder p="sm" role="listitem" data-testid="device-log-line" data-message={message.id} data-state={message.state}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div style={{ minWidth: 0 }}>
          <Group gap={6}>
            <Text size="sm" fw={600} truncate maw={220}>
              {message.name || <Phone digits={message.phone} />}
            </Text>
            {message.name && <Phone digits={message.phone} />}
          </Group>
          <Text size="xs" c="dimmed">
            {words.kinds[message.kind] ?? message.kind} · {words.types[message.message_type] ?? message.message_type} ·{' '}
            <Moment at={message.sent_at ?? message.created_at} size="xs" c="dimmed" />
          </Text>
        </div>
        <Group gap={8} wrap="nowrap">
          <StateBadge kind="message" state={message.status} hint={hint} size="sm" />
          <Ticks state={message.state} hint={hint} />
          <Why messageId={message.id} name={message.name || message.phone} />
        </Group>
      </Group>
    </Paper>
  );
}
