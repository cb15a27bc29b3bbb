// Renaming a device, and its number while it is not linked.
import { Modal } from '@mantine/core';
import type { Device } from '@/api/types';
import { tell } from '@/parts/toast';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { DeviceForm } from './DeviceForm';
import { canLink } from './groups';
import { useEditDevice } from './hooks';

export function EditDevice({ device, onClose }: { device: Device; onClose: () => void }) {
  const t = useWords();
  const isPhone = useIsPhone();
  const edit = useEditDevice();
  const isLinked = device.phone !== null && !canLink(device);
  return (
    <Modal opened onClose={onClose} title={t.devices.editForm.title(device.name)} fullScreen={isPhone} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <DeviceForm
        initial={{ name: device.name, phone: device.phone ?? '' }}
        isPhoneFixed={isLinked}
        submit={t.devices.editForm.submit}
        onCancel={onClose}
        onSubmit={async ({ name, phone }) => {
          await edit.mutateAsync(isLinked ? { id: device.id, name } : { id: device.id, name, phone });
          tell(t.devices.told.saved);
          onClose();
        }}
      />
    </Modal>
  );
}
