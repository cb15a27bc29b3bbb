// Asks before unsaved edits are lost: by closing the drawer, by another page, by closing the window.
import { Button, Group, Modal, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useRef, useState, type RefObject } from 'react';
import { useWords } from '@/words';

interface Props {
  isDirty: boolean;
  /** True once the form itself leads away: saved, deleted. */
  isLeaving: RefObject<boolean>;
}

export function UnsavedGuard({ isDirty, isLeaving }: Props) {
  const t = useWords();
  const words = t.leads.drawer.leave;
  const isAsking = useRef(false);
  const [answer, setAnswer] = useState<{ give: (go: boolean) => void } | null>(null);
  const isAtRisk = () => isDirty && !isLeaving.current;

  async function mustStay(): Promise<boolean> {
    if (!isAtRisk()) return false;
    if (isAsking.current) return true;
    isAsking.current = true;
    // the key that closes the drawer must not close this dialog too
    await new Promise((resolve) => setTimeout(resolve, 0));
    const goes = await new Promise<boolean>((resolve) => setAnswer({ give: resolve }));
    isAsking.current = false;
    setAnswer(null);
    return !goes;
  }

  useBlocker({ shouldBlockFn: mustStay, enableBeforeUnload: isAtRisk });
  return (
    <Modal
      opened={answer !== null}
      onClose={() => answer?.give(false)}
      title={words.title}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="leads-leave"
    >
      <Text size="sm" mb="md">
        {words.words}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={() => answer?.give(true)} data-testid="leads-leave-discard">
          {words.go}
        </Button>
        <Button onClick={() => answer?.give(false)} data-autofocus data-testid="leads-leave-stay">
          {words.stay}
        </Button>
      </Group>
    </Modal>
  );
}
