// Asks before unsaved edits are lost: by closing the drawer, by another page, by closing the window.
import { Button, Group, Modal, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import type { RefObject } from 'react';
import { useWords } from '@/words';

interface Props {
  isDirty: boolean;
  /** True once the form itself leads away: saved, deleted. */
  isLeaving: RefObject<boolean>;
}

export function UnsavedGuard({ isDirty, isLeaving }: Props) {
  const t = useWords();
  const words = t.leads.drawer.leave;
  const blocker = useBlocker({
    shouldBlockFn: () => isDirty && !isLeaving.current,
    enableBeforeUnload: () => isDirty && !isLeaving.current,
    withResolver: true,
  });
  return (
    <Modal
      opened={blocker.status === 'blocked'}
      onClose={() => blocker.reset?.()}
      title={words.title}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="leads-leave"
    >
      <Text size="sm" mb="md">
        {words.words}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={() => blocker.proceed?.()} data-testid="leads-leave-discard">
          {words.go}
        </Button>
        <Button onClick={() => blocker.reset?.()} data-autofocus data-testid="leads-leave-stay">
          {words.stay}
        </Button>
      </Group>
    </Modal>
  );
}
