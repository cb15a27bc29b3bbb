// Deleting a device: what goes with it, counted by the server; over 100 leads the name must be typed.
import type { Device } from '@/api/types';
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { tell } from '@/parts/toast';
import { useWords } from '@/words';
import { useDeleteDevice, useDeletionPreview } from './hooks';

const TYPE_NAME_OVER = 100;

export function DeleteDevice({ device, onClose, onDeleted }: { device: Device; onClose: () => void; onDeleted?: () => void }) {
  const t = useWords().devices;
  const preview = useDeletionPreview(device.id, true);
  const remove = useDeleteDevice();
  const counts = Object.entries(preview.data ?? {}).filter(([, n]) => typeof n === 'number' && n > 0);
  const losses = counts.map(([what, n]) => t.delete.losses[what]?.(n)).filter((line) => line !== undefined);
  const leads = preview.data?.leads ?? 0;
  return (
    <ConfirmDelete
      opened
      onClose={onClose}
      title={t.delete.title(device.name)}
      action={t.delete.submit(leads)}
      losses={preview.data === undefined ? null : losses}
      words={preview.data !== undefined && losses.length === 0 ? t.delete.nothing : undefined}
      stays={t.delete.stays}
      typeName={leads > TYPE_NAME_OVER ? device.name : undefined}
      onConfirm={async () => {
        await remove.mutateAsync(device.id);
        tell(t.told.deleted(device.name));
        onDeleted?.();
      }}
      data-testid="device-delete"
    />
  );
}
