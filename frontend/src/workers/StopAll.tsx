// Before all devices stop: how many, and what then waits. Typing the number makes sure that it is meant.
import { Button, Group, Modal, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FailedLoad } from '@/parts/ProblemNote';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useStopAll, useStopAllPlan } from './hooks';

export function StopAll({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const words = t.workers.stopAll;
  const plan = useStopAllPlan();
  const stop = useStopAll();
  const [typed, setTyped] = useState('');
  const [run, isBusy] = useAction();
  const count = plan.data?.stopped_count ?? 0;
  async function act() {
    if (await run(() => stop.mutateAsync(), words.done)) onClose();
  }
  return (
    <Modal opened onClose={onClose} title={words.title} closeButtonProps={{ 'aria-label': t.parts.close }} data-testid="workers-stop-dialog">
      <Stack>
        {plan.isPending && <Skeleton height={48} />}
        {plan.isError && <FailedLoad problem={plan.error} onRetry={() => void plan.refetch()} />}
        {plan.data !== undefined && (
          <>
            <Text data-testid="workers-stop-count">{words.words(count, plan.data.held_messages)}</Text>
            <Text size="sm" c="dimmed">
              {words.stays}
            </Text>
            {count > 0 && (
              <TextInput
                label={words.type(count)}
                value={typed}
                onChange={(event) => setTyped(event.currentTarget.value)}
                inputMode="numeric"
                data-autofocus
                data-testid="workers-stop-typed"
              />
            )}
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t.parts.cancel}
          </Button>
          {count > 0 && (
            <Button color="red" disabled={typed.trim() !== String(count)} loading={isBusy} onClick={() => void act()} data-testid="workers-stop-confirm">
              {words.act}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
