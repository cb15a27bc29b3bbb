// What a state means and what a person should do about it.
import { Button, Stack, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import type { Device } from '@/api/types';
import { useWords } from '@/words';
import { canLink, needsToken } from './groups';

interface Props {
  device: Device;
  until: string | null;
  onLink?: () => void;
  onConnect?: () => void;
}

export function Advice({ device, until, onLink, onConnect }: Props) {
  const { devices: t, kinds } = useWords();
  return (
    <Stack>
      <Text fw={600}>{device.words}</Text>
      <Text>{device.advice}</Text>
      {until && <Text>{until}</Text>}
      {onLink && (needsToken(device) || canLink(device)) && (
        <Button
          onClick={() => {
            modals.closeAll();
            onLink();
          }}
        >
          {needsToken(device) ? kinds.replace.open : t.main.scan}
        </Button>
      )}
      {onConnect && !canLink(device) && !needsToken(device) && ['replaced', 'refused'].includes(device.state) && (
        <Button
          onClick={() => {
            modals.closeAll();
            onConnect();
          }}
        >
          {t.menu.connect}
        </Button>
      )}
    </Stack>
  );
}
