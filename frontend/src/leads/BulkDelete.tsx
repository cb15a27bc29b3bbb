// Deleting many leads: how many go is counted by the server; over a hundred the number must be typed.
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { tell } from '@/parts/toast';
import { useWords } from '@/words';
import type { BulkTarget } from './BulkActions';
import { useBulk, useBulkPreview } from './hooks';

const TYPE_FROM = 100;

interface Props {
  target: BulkTarget;
  count: number;
  onClose: () => void;
  onDone: () => void;
}

export function BulkDelete({ target, count, onClose, onDone }: Props) {
  const t = useWords().leads.bulk;
  const bulk = useBulk();
  const preview = useBulkPreview({ action: 'delete', ...target });
  const n = preview.data?.changed ?? count;
  return (
    <ConfirmDelete
      opened
      onClose={onClose}
      title={t.title.delete(n)}
      action={t.deleteAction(n)}
      losses={preview.isPending ? null : [t.deleteLoss(n)]}
      stays={t.deleteStays}
      typeName={n > TYPE_FROM ? String(n) : undefined}
      onConfirm={async () => {
        const result = await bulk.mutateAsync({ action: 'delete', ...target });
        tell(t.deleted(result.changed));
        onDone();
      }}
      data-testid="leads-bulk-confirm"
    />
  );
}
