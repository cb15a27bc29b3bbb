// Adding a device: its name, its kind, and what that kind needs; then straight to its code, or to the device that connects.
import { Modal, Skeleton } from '@mantine/core';
import type { Device } from '@/api/types';
import { FailedLoad } from '@/parts/ProblemNote';
import { tell } from '@/parts/toast';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { AddForm } from './AddForm';
import { useAddDevice } from './hooks';
import { useDrivers } from './kindHooks';

interface Props {
  opened: boolean;
  onClose: () => void;
  onAdded: (device: Device) => void;
}

export function AddDevice({ opened, onClose, onAdded }: Props) {
  const t = useWords();
  const isPhone = useIsPhone();
  const add = useAddDevice();
  const drivers = useDrivers();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t.devices.addForm.title}
      size="lg"
      fullScreen={isPhone}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="add-device"
    >
      {drivers.isPending && <Skeleton height={220} />}
      {drivers.isError && <FailedLoad problem={drivers.error} onRetry={() => void drivers.refetch()} />}
      {drivers.data && (
        <AddForm
          drivers={drivers.data}
          onCancel={onClose}
          onSubmit={async (body) => {
            const device = await add.mutateAsync(body);
            tell(t.devices.told.added(device.name));
            onClose();
            onAdded(device);
          }}
        />
      )}
    </Modal>
  );
}
