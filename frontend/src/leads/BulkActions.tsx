// The bar over selected leads: which change, and its dialog.
import { Button, Menu } from '@mantine/core';
import { ChevronDown, FolderInput, Pencil, Tags, Trash2, Zap } from 'lucide-react';
import { useState } from 'react';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { BulkDelete } from './BulkDelete';
import { BulkModal } from './BulkModal';
import type { ApiFilter, BulkAction, Facets } from './types';

/** Which leads are meant: these, or all that match. */
export type BulkTarget = { ids: string[] } | { filter: ApiFilter };

interface Props {
  target: BulkTarget;
  count: number;
  facets: Facets | undefined;
  /** After a change was made. */
  onDone: () => void;
}

const all: BulkAction[] = ['update', 'add_niches', 'remove_niches', 'add_triggers', 'remove_triggers', 'move_device', 'delete'];

export function BulkActions({ target, count, facets, onDone }: Props) {
  const t = useWords();
  const words = t.leads.bulk;
  const isPhone = useIsPhone();
  const [action, setAction] = useState<BulkAction | null>(null);
  const close = () => setAction(null);

  function group(label: string, Icon: typeof Tags, actions: BulkAction[], testId: string) {
    return (
      <Menu position="top-end" withinPortal>
        <Menu.Target>
          <Button
            variant="default"
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={<ChevronDown size={14} aria-hidden />}
            data-testid={testId}
          >
            {label}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {actions.map((each) => (
            <Menu.Item
              key={each}
              color={each === 'delete' ? 'red' : undefined}
              onClick={() => setAction(each)}
              data-testid={`leads-bulk-${each}`}
            >
              {words.actions[each]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    );
  }

  return (
    <>
      {isPhone ? (
        group(t.parts.actions, Pencil, all, 'leads-bulk-actions')
      ) : (
        <>
          <Button
            variant="default"
            leftSection={<Pencil size={16} aria-hidden />}
            onClick={() => setAction('update')}
            data-testid="leads-bulk-update"
          >
            {words.edit}
          </Button>
          {group(words.niches, Tags, ['add_niches', 'remove_niches'], 'leads-bulk-niches')}
          {group(words.triggers, Zap, ['add_triggers', 'remove_triggers'], 'leads-bulk-triggers')}
          <Button
            variant="default"
            leftSection={<FolderInput size={16} aria-hidden />}
            onClick={() => setAction('move_device')}
            data-testid="leads-bulk-move_device"
          >
            {words.move}
          </Button>
          <Button
            variant="default"
            c="var(--mantine-color-red-text)"
            leftSection={<Trash2 size={16} aria-hidden />}
            onClick={() => setAction('delete')}
            data-testid="leads-bulk-delete"
          >
            {words.delete}
          </Button>
        </>
      )}
      {action === 'delete' && <BulkDelete target={target} count={count} onClose={close} onDone={onDone} />}
      {action !== null && action !== 'delete' && (
        <BulkModal action={action} target={target} count={count} facets={facets} onClose={close} onDone={onDone} />
      )}
    </>
  );
}
