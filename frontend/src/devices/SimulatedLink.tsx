// A simulated phone has no camera and no fingers: a button does what its person would do.
import { Alert, Button, Group, Text } from '@mantine/core';
import { FlaskConical } from 'lucide-react';
import type { Device } from '@/api/types';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { canLink } from './groups';
import { useSimulate } from './hooks';

/** With a code the phone types it; without one it scans what is shown. */
export function SimulatedLink({ device, code }: { device: Device; code?: string }) {
  const t = useWords().devices.qr;
  const simulate = useSimulate(device.id);
  const [run, isBusy] = useAction();
  if (!device.simulated || !canLink(device)) return null;
  return (
    <Alert color="tide" variant="light" mt="lg" icon={<FlaskConical aria-hidden />}>
      <Group justify="space-between" gap="sm">
        <Text size="sm">{code === undefined ? t.simulated : t.simulatedType}</Text>
        <Button
          size="sm"
          loading={isBusy}
          onClick={() => void run(() => simulate.mutateAsync({ action: 'scan', code }))}
          data-testid={code === undefined ? 'qr-simulate-scan' : 'pair-simulate-type'}
        >
          {code === undefined ? t.simulateScan : t.simulateType}
        </Button>
      </Group>
    </Alert>
  );
}
