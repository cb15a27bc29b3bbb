// Acting with one device: write a text, send a file, and see the last messages go.
import { Alert, SimpleGrid, Stack } from '@mantine/core';
import type { Device } from '@/api/types';
import { Section } from '@/parts/Section';
import { useWords } from '@/words';
import { ActivityLog } from './ActivityLog';
import { SendFile } from './SendFile';
import { SendText } from './SendText';

export function ActionsTab({ device }: { device: Device }) {
  const t = useWords().devices.actions;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Stack gap="lg">
        {device.state !== 'online' && <Alert color="yellow">{t.offline}</Alert>}
        <Section title={t.text}>
          <SendText device={device} />
        </Section>
        <Section title={t.sendAFile}>
          <SendFile device={device} />
        </Section>
      </Stack>
      <Section title={t.log} hint={t.logHint} data-testid="device-log">
        <ActivityLog device={device} />
      </Section>
    </SimpleGrid>
  );
}
