// Before failed messages go again: how many, and which are left out and why.
import { Alert, Button, Group, List, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { FailedLoad } from '@/parts/ProblemNote';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useRetry, useRetryPlan } from './hooks';
import type { Campaign } from './types';

interface Props {
  campaign: Pick<Campaign, 'id' | 'title' | 'status'>;
  /** Only what this device failed with. */
  device?: { id: string; name: string };
  onClose: () => void;
}

export function RetryDialog({ campaign, device, onClose }: Props) {
  const t = useWords();
  const words = t.campaigns.retry;
  const [run, isBusy] = useAction();
  const retry = useRetry();
  const plan = useRetryPlan(campaign.id, device?.id);
  const count = plan.data?.retried ?? 0;
  async function act() {
    const done = await run(async () => {
      const { retried } = await retry.mutateAsync({ id: campaign.id, deviceId: device?.id });
      tell(words.done(retried));
    });
    if (done) onClose();
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={device === undefined ? words.title(campaign.title) : words.titleOf(campaign.title, device.name)}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="campaign-retry-dialog"
    >
      <Stack>
        {plan.isPending && <Skeleton height={48} aria-label={words.counting} />}
        {plan.isError && <FailedLoad problem={plan.error} onRetry={() => void plan.refetch()} />}
        {plan.data !== undefined && (
          <>
            <Text data-testid="campaign-retry-count">{count === 0 ? words.none : words.words(count)}</Text>
            {plan.data.not_retried.length > 0 && (
              <div>
                <Text size="sm" c="dimmed">
                  {words.left}
                </Text>
                <List size="sm" c="dimmed" data-testid="campaign-retry-left">
                  {plan.data.not_retried.map((each) => (
                    <List.Item key={each.reason}>
                      {t.campaigns.report.reasonCount(words.reasons[each.reason] ?? t.states.reason[each.reason] ?? each.reason, each.count)}
                    </List.Item>
                  ))}
                </List>
              </div>
            )}
            {count > 0 && campaign.status === 'paused' && <Alert color="yellow">{words.paused}</Alert>}
            {count > 0 && (
              <Text size="sm" c="dimmed">
                {words.rules}
              </Text>
            )}
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {count === 0 ? t.parts.close : t.parts.cancel}
          </Button>
          {count > 0 && (
            <Button onClick={() => void act()} loading={isBusy} data-testid="campaign-retry-confirm">
              {words.act(count)}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
