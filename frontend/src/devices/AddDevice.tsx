// Adding a device: two fields, then straight to its QR code.
import { Modal, Text } from '@mantine/core';
import type { Device } from '@/api/types';
import { tell } from '@/parts/toast';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { DeviceForm } from './DeviceForm';
import { useAddDevice } from './hooks';

interface Props {
  opened: boolean;
  onClose: () => void;
  onAdded: (device: Device) => void;
}

export function AddDevice({ opened, onClose, onAdded }: Props) {
  const t = useWords();
  const isPhone = useIsPhone();
  const add = useAddDevice();
  return (
    <Modal opened={opened} onClose={onClose} title={t.devices.addForm.title} fullScreen={isPhone} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Text size="sm" c="dimmed" mb="md">
        {t.devices.addForm.lead}
      </Text>
      <DeviceForm
        initial={{ name: '', phone: '' }}
        submit={t.devices.addForm.submit}
        onCancel={onClose}
        onSubmit={async (values) => {
          const device = await add.mutateAsync(values);
          tell(t.devices.told.added(device.name));
          onClose();
          onAdded(device);
        }}
      />
    </Modal>
  );
}
