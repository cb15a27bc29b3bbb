// Before a stored campaign is started by hand: how many people will get it, by a plan made now.
import { Alert, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import { FailedLoad } from '@/parts/ProblemNote';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useStoredPlan, useTrigger } from './hooks';
import type { Campaign, Plan } from './types';

export function StartDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const t = useWords();
  const plan = useStoredPlan(campaign.id);
  const [run, isBusy] = useAction();
  const trigger = useTrigger();
  async function start(hash: string) {
    const isStarted = await run(() => trigger.mutateAsync({ id: campaign.id, planHash: hash }), t.campaigns.done.started);
    if (isStarted) onClose();
    else void plan.refetch();
  }
  return (
    <Modal opened onClose={onClose} title={t.campaigns.start.title(campaign.title)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Stack>
        {plan.isError && <FailedLoad problem={plan.error} onRetry={() => void plan.refetch()} />}
        {plan.isPending && <Skeleton height={48} aria-label={t.campaigns.start.counting} />}
        {plan.data !== undefined && <Numbers plan={plan.data} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t.parts.cancel}
          </Button>
          <Button
            onClick={() => plan.data?.plan_hash && void start(plan.data.plan_hash)}
            loading={isBusy || plan.isFetching}
            disabled={!plan.data?.will_send}
            data-testid="campaigns-start-confirm"
          >
            {plan.data === undefined ? t.campaigns.actions.start : t.campaigns.start.act(plan.data.will_send)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Numbers({ plan }: { plan: Plan }) {
  const t = useWords().campaigns.start;
  return (
    <>
      <Text>{plan.will_send === 0 ? t.nobody : t.words(plan.will_send, plan.devices.length)}</Text>
      {plan.excluded > 0 && (
        <Text size="sm" c="dimmed">
          {t.left(plan.excluded)}
        </Text>
      )}
      {plan.warnings
        .filter((warning) => warning.code !== 'no_recipients')
        .map((warning) => (
          <Alert key={warning.code} color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} py="xs">
            {warning.message}
          </Alert>
        ))}
    </>
  );
}
