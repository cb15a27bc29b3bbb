// Playing the phone and WhatsApp for a simulated device: what happens in life, on request.
import { Button, Group, NumberInput, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Device, Simulation } from '@/api/types';
import { Section } from '@/parts/Section';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { canLink } from './groups';
import { useSimulate } from './hooks';
import { IncomingCard } from './IncomingCard';

export function SimulatorTab({ device }: { device: Device }) {
  const t = useWords().devices.simulator;
  const [seconds, setSeconds] = useState<number | string>(60);
  const forSeconds = typeof seconds === 'number' ? seconds : 60;
  return (
    <Stack gap="lg">
      <Text c="dimmed">{t.lead}</Text>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Section title={t.phoneSide}>
          <Stack gap="sm">
            <Act device={device} action="scan" disabled={!canLink(device)} />
            <Act device={device} action="log_out" disabled={canLink(device)} />
            <Act device={device} action="replace" disabled={canLink(device)} />
          </Stack>
        </Section>
        <Section title={t.lineSide}>
          <Stack gap="sm">
            <Act device={device} action="offline" disabled={device.state !== 'online'} />
            <Act device={device} action="silent" disabled={device.state !== 'online'} />
            <Act device={device} action="online" disabled={device.state === 'online' || canLink(device)} />
          </Stack>
        </Section>
        <Section title={t.whatsappSide}>
          <Stack gap="sm">
            <NumberInput label={t.seconds} value={seconds} onChange={setSeconds} min={1} max={86_400} allowDecimal={false} maw={260} data-testid="simulator-seconds" />
            <Act device={device} action="restrict" forSeconds={forSeconds} disabled={canLink(device)} />
            <Act device={device} action="ban" forSeconds={forSeconds} disabled={canLink(device)} />
            <Act device={device} action="rate_limit" forSeconds={forSeconds} />
          </Stack>
        </Section>
        <Section title={t.nextMessage}>
          <Stack gap="sm">
            <Act device={device} action="reject" />
            <Act device={device} action="lose_ack" />
          </Stack>
        </Section>
        <IncomingCard device={device} />
      </SimpleGrid>
    </Stack>
  );
}

interface ActProps {
  device: Device;
  action: Simulation['action'];
  forSeconds?: number;
  disabled?: boolean;
}

function Act({ device, action, forSeconds, disabled = false }: ActProps) {
  const t = useWords().devices.simulator;
  const simulate = useSimulate(device.id);
  const [run, isBusy] = useAction();
  const [label, hint] = t.actions[action] ?? [action, ''];
  return (
    <Group justify="space-between" wrap="nowrap" align="center">
      <div>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Text size="sm" c="dimmed">
          {hint}
        </Text>
      </div>
      <Button
        variant="default"
        size="xs"
        aria-label={t.playNamed(label)}
        loading={isBusy}
        disabled={disabled}
        onClick={() => void run(() => simulate.mutateAsync({ action, for_seconds: forSeconds }), t.done(label))}
        data-testid={`simulator-${action.replace('_', '-')}`}
        style={{ flexShrink: 0 }}
      >
        {t.play}
      </Button>
    </Group>
  );
}
