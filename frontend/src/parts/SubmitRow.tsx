// The buttons under a form: Cancel and the one that acts; on phones they stick to the bottom.
import { Button, Group } from '@mantine/core';
import type { ReactNode } from 'react';
import { useWords } from '@/words';

interface Props {
  label: string;
  isBusy?: boolean;
  disabled?: boolean;
  onCancel?: () => void;
  before?: ReactNode;
  'data-testid'?: string;
}

export function SubmitRow({ label, isBusy = false, disabled = false, onCancel, before, 'data-testid': testId }: Props) {
  const t = useWords().parts;
  return (
    <Group justify="flex-end" mt="md" className="hantar-submit-row">
      {before}
      {onCancel && (
        <Button variant="default" onClick={onCancel} type="button">
          {t.cancel}
        </Button>
      )}
      <Button type="submit" loading={isBusy} disabled={disabled} data-testid={testId}>
        {label}
      </Button>
    </Group>
  );
}
