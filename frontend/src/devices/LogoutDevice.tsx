// Logging a device out: says what that does on the phone and what stays.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { Device } from '@/api/types';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useLogout } from './hooks';

export function LogoutDevice({ device, onClose }: { device: Device; onClose: () => void }) {
  const t = useWords();
  const words = device.uses_credentials ? t.kinds.removeToken : t.devices.logout;
  const done = device.uses_credentials ? t.kinds.removeToken.done : t.devices.told.loggedOut;
  const logout = useLogout();
  const [run, isBusy] = useAction();
  return (
    <Modal opened onClose={onClose} title={words.title(device.name)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Stack>
        <Text size="sm">{words.words}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t.parts.cancel}
          </Button>
          <Button
            color="red"
            loading={isBusy}
            onClick={() => void run(() => logout.mutateAsync(device.id), done).then((ok) => ok && onClose())}
            data-testid="device-logout-confirm"
          >
            {words.submit}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
