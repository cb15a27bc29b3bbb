// Asks before an editor with unsaved work is left.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import { useWords } from '@/words';

interface Props {
  isDirty: boolean;
  /** The draft is thrown away. */
  onDiscard: () => void;
}

export function Leaving({ isDirty, onDiscard }: Props) {
  const t = useWords();
  const words = t.campaigns.editor.leave;
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isDirty && current.pathname !== next.pathname,
    enableBeforeUnload: isDirty,
    withResolver: true,
  });
  const isAsked = blocker.status === 'blocked';
  const stay = () => blocker.reset?.();
  function discard() {
    onDiscard();
    blocker.proceed?.();
  }
  return (
    <Modal opened={isAsked} onClose={stay} title={words.title} closeButtonProps={{ 'aria-label': t.parts.close }} data-testid="campaigns-leave-dialog">
      <Stack>
        <Text size="sm">{words.words}</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={stay} data-autofocus data-testid="campaigns-leave-stay">
            {words.stay}
          </Button>
          <Button variant="default" onClick={discard} data-testid="campaigns-leave-discard">
            {words.discard}
          </Button>
          <Button onClick={() => blocker.proceed?.()} data-testid="campaigns-leave-keep">
            {words.leave}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
