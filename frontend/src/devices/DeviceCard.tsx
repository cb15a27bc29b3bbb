// One device at a glance, with the one thing to do next.
import { Anchor, Avatar, Badge, Card, Group, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Device } from '@/api/types';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { DeviceMenu } from './DeviceMenu';
import { DeviceState } from './DeviceState';
import { MainButton } from './MainButton';
import { Unofficial } from './Unofficial';

export function DeviceCard({ device, onLink }: { device: Device; onLink: () => void }) {
  const t = useWords().devices;
  return (
    <Card component="article" aria-label={device.name} data-testid="device-card" data-device={device.id}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
          <Avatar color="tide" radius="md" size={44} name={device.name} alt="" />
          <div style={{ minWidth: 0 }}>
            <Anchor
              component={Link}
              to={`/devices/${device.id}`}
              fw={650}
              c="var(--mantine-color-text)"
              lineClamp={1}
              title={device.name}
              style={{ overflowWrap: 'anywhere' }}
            >
              {device.name}
            </Anchor>
            <Text size="sm" c="dimmed" component="div">
              {device.phone ? <Phone digits={device.phone} /> : t.noNumber}
            </Text>
          </div>
        </Group>
        <DeviceMenu device={device} onLink={onLink} />
      </Group>
      <Group gap={6} mt="sm">
        <DeviceState device={device} />
        {device.sending_paused && (
          <Badge color="yellow" tt="none" className="hantar-state-yellow">
            {t.paused}
          </Badge>
        )}
        {device.unofficial && <Unofficial />}
        {device.is_demo && (
          <Badge variant="default" tt="none" c="dimmed">
            {t.demo}
          </Badge>
        )}
      </Group>
      <SimpleGrid cols={4} spacing="xs" mt="md">
        <Small label={t.card.sentToday} value={device.sent_today} />
        <Small label={t.card.failedToday} value={device.failed_today} color={device.failed_today > 0 ? 'red' : undefined} />
        <Small label={t.card.waiting} value={device.queue_size} />
        <Small label={t.card.leads} value={device.lead_count} />
      </SimpleGrid>
      <Stack gap={4} mt="md">
        <Allowance device={device} />
        <Group justify="space-between" mt="xs">
          <Text size="xs" c="dimmed">
            {t.card.lastSeen} <Moment at={device.last_seen} size="xs" c="dimmed" />
          </Text>
          <MainButton device={device} onLink={onLink} />
        </Group>
      </Stack>
    </Card>
  );
}

function Small({ label, value, color }: { label: string; value: number; color?: string }) {
  return (
    <div>
      <Text fw={650} c={color} style={{ fontVariantNumeric: 'tabular-nums' }}>
        {number(value)}
      </Text>
      <Text size="xs" c="dimmed" lh={1.2}>
        {label}
      </Text>
    </div>
  );
}

/** How much of today's limit is left. */
function Allowance({ device }: { device: Device }) {
  const t = useWords().devices.card;
  const limit = device.limits.per_day;
  const left = Math.max(0, limit - device.sent_today);
  const words = t.allowance(left, limit);
  return (
    <>
      <Progress value={limit > 0 ? (left / limit) * 100 : 0} size="sm" color={left === 0 ? 'orange' : 'tide'} aria-label={words} />
      <Text size="xs" c="dimmed">
        {words}
      </Text>
    </>
  );
}
