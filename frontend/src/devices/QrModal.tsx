// Linking a phone: by QR code or by pairing code; turns to "connected" by itself.
import { Alert, Modal, Stack, Tabs, Text, ThemeIcon, Title } from '@mantine/core';
import { Check } from 'lucide-react';
import { useEffect } from 'react';
import type { Device } from '@/api/types';
import { useFollow } from '@/api/useLive';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { useDevice } from './hooks';
import { PairCodeTab } from './PairCodeTab';
import { QrTab } from './QrTab';

const CLOSE_AFTER_MS = 2200;

interface Props {
  device: Device;
  onClose: () => void;
}

export function QrModal({ device: given, onClose }: Props) {
  const t = useWords();
  const words = t.devices.qr;
  const isPhone = useIsPhone();
  useFollow(`device:${given.id}`);
  const device = useDevice(given.id, { pollMs: 4000 }).data ?? given;
  const isConnected = device.state === 'online';

  useEffect(() => {
    if (!isConnected) return;
    const timer = setTimeout(onClose, CLOSE_AFTER_MS);
    return () => clearTimeout(timer);
    // Only the moment of connecting matters, not a new onClose.
  }, [isConnected]);

  return (
    <Modal
      opened
      onClose={onClose}
      title={words.title(device.name)}
      size="lg"
      fullScreen={isPhone}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="qr-modal"
    >
      <div aria-live="polite">
        {isConnected && <Connected name={device.name} />}
        {!isConnected && device.state === 'refused' && (
          <Alert color="red" mb="md">
            {device.words}
          </Alert>
        )}
      </div>
      {!isConnected && (
        <>
          <Tabs defaultValue="qr">
            <Tabs.List grow mb="md">
              <Tabs.Tab value="qr" data-testid="qr-tab-code">
                {words.tabs.qr}
              </Tabs.Tab>
              <Tabs.Tab value="pair" data-testid="qr-tab-pair">
                {words.tabs.pair}
              </Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="qr">
              <QrTab device={device} />
            </Tabs.Panel>
            <Tabs.Panel value="pair">
              <PairCodeTab device={device} />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </Modal>
  );
}

function Connected({ name }: { name: string }) {
  const t = useWords().devices.qr;
  return (
    <Stack align="center" py="xl" data-testid="qr-connected">
      <ThemeIcon size={84} radius="50%" color="teal" variant="light">
        <Check size={44} aria-hidden />
      </ThemeIcon>
      <Title order={2}>{t.connected}</Title>
      <Text c="dimmed">{t.connectedHint(name)}</Text>
    </Stack>
  );
}
