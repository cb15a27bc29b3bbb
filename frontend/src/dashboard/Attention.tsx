// What waits for a person, each with the way to it.
import { Button, Group, Skeleton, Stack, Text, ThemeIcon } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import type { Alert } from '@/api/types';
import { useFormat } from '@/parts/format';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { useWords, type Words } from '@/words';

export function Attention({ alerts }: { alerts: Alert[] | undefined }) {
  const t = useWords().dashboard.attention;
  return (
    <Section title={t.title} data-testid="dashboard-attention">
      {alerts === undefined && <Skeleton height={64} />}
      {alerts?.length === 0 && (
        <Group gap="sm" wrap="nowrap">
          <ThemeIcon size={36} radius="xl" color="teal" variant="light">
            <CircleCheck size={20} aria-hidden />
          </ThemeIcon>
          <div>
            <Text fw={600}>{t.allWell}</Text>
            <Text size="sm" c="dimmed">
              {t.allWellHint}
            </Text>
          </div>
        </Group>
      )}
      <Stack gap="md">{alerts?.map((alert) => <One key={`${alert.kind}${alert.id}`} alert={alert} />)}</Stack>
    </Section>
  );
}

function One({ alert }: { alert: Alert }) {
  const t = useWords();
  const words = t.dashboard.attention;
  const format = useFormat();
  const isError = alert.level === 'error';
  const Icon = isError ? CircleAlert : TriangleAlert;
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm">
      <ThemeIcon size={30} radius="xl" color={isError ? 'red' : 'orange'} variant="light" style={{ flexShrink: 0 }}>
        <Icon size={16} aria-hidden />
      </ThemeIcon>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {sentence(t, alert)}
        </Text>
        {(alert.since || alert.until) && (
          <Text size="xs" c="dimmed" component="div">
            {alert.since && <Moment at={alert.since} as="relative" size="xs" c="dimmed" />}
            {alert.until && ` · ${words.until(format.moment(alert.until))}`}
          </Text>
        )}
      </div>
      <Button component={Link} to={linkOf(alert)} size="compact-sm" variant="default" style={{ flexShrink: 0 }}>
        {words.look}
      </Button>
    </Group>
  );
}

function sentence(t: Words, alert: Alert): string {
  const words = t.dashboard.attention.kinds;
  if (alert.kind === 'device') return words.device(alert.name, t.states.device[alert.code] ?? alert.code);
  if (alert.kind === 'campaign') return words.campaign(alert.name, t.states.reason[alert.code] ?? alert.code);
  return words.unconfirmed(alert.name, alert.count ?? 0);
}

function linkOf(alert: Alert): string {
  return alert.kind === 'device' ? `/devices/${alert.id}` : `/campaigns/${alert.id}`;
}
