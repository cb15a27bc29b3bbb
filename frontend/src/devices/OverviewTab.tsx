// What a device did and how it is: today's figures, what is left of its limits, its checks, its history in words.
import { Group, Progress, SimpleGrid, Skeleton, Stack, Table, Text, ThemeIcon, Timeline } from '@mantine/core';
import { Check, History, TriangleAlert } from 'lucide-react';
import type { Device, DeviceEvent, DeviceHealth } from '@/api/types';
import { EmptyState } from '@/parts/EmptyState';
import { Figure } from '@/parts/Figure';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { useWords } from '@/words';
import { useDeviceEvents, useDeviceHealth } from './hooks';
import { LinkClocks } from './LinkClocks';
import { NumberCard } from './NumberCard';
import { Restriction } from './Restriction';

export function OverviewTab({ device }: { device: Device }) {
  const t = useWords().devices;
  const events = useDeviceEvents(device.id);
  const health = useDeviceHealth(device.id);
  return (
    <Stack gap="lg">
      {health.data && <Restriction health={health.data} />}
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure label={t.card.sentToday} value={device.sent_today} data-testid="device-sent-today" />
        <Figure label={t.card.failedToday} value={device.failed_today} color={device.failed_today > 0 ? 'red' : undefined} />
        <Figure label={t.card.waiting} value={device.queue_size} />
        <Figure label={t.card.leads} value={device.lead_count} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title={t.overview.history} hint={t.overview.historyHint}>
          {events.isError && <FailedLoad problem={events.error} onRetry={() => void events.refetch()} />}
          {events.isPending && <Skeleton height={160} />}
          {events.data && <Events events={events.data.items} />}
        </Section>
        <Stack gap="lg">
          {device.number && <NumberCard device={device} number={device.number} />}
          <Section title={t.overview.health} hint={health.data?.words}>
            {health.isError && <FailedLoad problem={health.error} onRetry={() => void health.refetch()} />}
            {health.isPending && <Skeleton height={120} />}
            {health.data && <Checks checks={health.data.checks} />}
          </Section>
          {health.data && (
            <Section title={t.overview.allowance}>
              <Allowance left={{ ...health.data.allowance_left }} device={device} newChats={health.data.new_chats_allowance} />
              <Text size="sm" c="dimmed" mt="sm">
                {t.health.age(health.data.days_linked)} {t.health.unanswered(health.data.unanswered)}
              </Text>
            </Section>
          )}
          {device.unofficial && health.data && <LinkClocks device={device} health={health.data} />}
          <Section title={t.overview.facts}>
            <Facts device={device} />
          </Section>
        </Stack>
      </SimpleGrid>
    </Stack>
  );
}

function Events({ events }: { events: DeviceEvent[] }) {
  const t = useWords();
  if (events.length === 0) return <EmptyState icon={History} words={t.devices.overview.noHistory} />;
  return (
    <Timeline active={0} bulletSize={14} lineWidth={2} styles={{ itemTitle: { lineHeight: 1.4 } }} data-testid="device-history">
      {events.slice(0, 20).map((event) => (
        <Timeline.Item key={`${event.at}${event.state}`} title={event.words || t.states.device[event.state]}>
          <Text size="sm" c="dimmed" component="div">
            <Moment at={event.at} as="full" /> · <Moment at={event.at} as="relative" />
          </Text>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function Checks({ checks }: Pick<DeviceHealth, 'checks'>) {
  const t = useWords().devices.overview;
  return (
    <Stack gap="sm">
      {checks.map((check) => (
        <Group key={check.name} wrap="nowrap" align="flex-start" gap="sm">
          <ThemeIcon size={24} radius="xl" variant="light" color={check.ok ? 'teal' : 'orange'} style={{ flexShrink: 0 }}>
            {check.ok ? <Check size={14} aria-hidden /> : <TriangleAlert size={14} aria-hidden />}
          </ThemeIcon>
          <div>
            <Text size="sm" fw={600}>
              {check.name}
            </Text>
            <Text size="sm" c="dimmed">
              {check.advice || t.checkOk}
            </Text>
          </div>
        </Group>
      ))}
    </Stack>
  );
}

function Allowance({ left, device, newChats }: { left: Record<string, number>; device: Device; newChats: number }) {
  const t = useWords().devices.overview;
  const limits: Record<string, number> = {
    per_minute: device.limits.per_minute,
    per_hour: device.limits.per_hour,
    per_day: device.limits.per_day,
    minute: device.limits.per_minute,
    hour: device.limits.per_hour,
    day: device.limits.per_day,
    new_chats: newChats,
  };
  return (
    <Stack gap="sm">
      {Object.entries(left).map(([span, n]) => {
        const limit = limits[span];
        const words = limit === undefined ? t.left(n) : t.ofLimit(n, limit);
        return (
          <div key={span}>
            <Group justify="space-between">
              <Text size="sm">{t.spans[span] ?? span}</Text>
              <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums' }}>
                {words}
              </Text>
            </Group>
            {limit !== undefined && <Progress value={(n / limit) * 100} size="sm" aria-label={`${t.spans[span] ?? span}: ${words}`} />}
          </div>
        );
      })}
    </Stack>
  );
}

function Facts({ device }: { device: Device }) {
  const t = useWords().devices.overview;
  return (
    <Table variant="vertical" layout="fixed" withRowBorders={false}>
      <Table.Tbody>
        <Table.Tr>
          <Table.Th w={160}>{t.driver}</Table.Th>
          <Table.Td>{t.drivers[device.driver] ?? device.driver}</Table.Td>
        </Table.Tr>
        {device.jid && (
          <Table.Tr>
            <Table.Th>{t.jid}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{device.jid}</Table.Td>
          </Table.Tr>
        )}
        <Table.Tr>
          <Table.Th>{t.since}</Table.Th>
          <Table.Td>
            <Moment at={device.state_since} as="full" />
          </Table.Td>
        </Table.Tr>
        <Table.Tr>
          <Table.Th>{t.added}</Table.Th>
          <Table.Td>
            <Moment at={device.created_at} as="full" />
          </Table.Td>
        </Table.Tr>
      </Table.Tbody>
    </Table>
  );
}
