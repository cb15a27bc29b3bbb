// Before a campaign is cancelled: how many will not be sent, and what stays.
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { hasStarted, waiting } from './actions';
import { useCampaign, useCancel } from './hooks';
import type { Campaign } from './types';

export function CancelDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const t = useWords();
  const [run, isBusy] = useAction();
  const cancel = useCancel();
  // Read here, so that the number is of now and follows the live line.
  const { data: now = campaign } = useCampaign(campaign.id);
  const left = waiting(now.counts);
  const isBegun = hasStarted(now);
  async function act() {
    if (await run(() => cancel.mutateAsync(campaign.id), t.campaigns.done.cancelled)) onClose();
  }
  return (
    <Modal opened onClose={onClose} title={t.campaigns.cancel.title(campaign.title)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Stack>
        <Text data-testid="campaigns-cancel-count">{isBegun ? t.campaigns.cancel.words(left) : t.campaigns.cancel.planned}</Text>
        {isBegun && (
          <Text size="sm" c="dimmed">
            {t.campaigns.cancel.stays}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t.campaigns.cancel.keep}
          </Button>
          <Button color="red" onClick={() => void act()} loading={isBusy} data-testid="campaigns-cancel-confirm">
            {isBegun && left > 0 ? t.campaigns.cancel.actCount(left) : t.campaigns.cancel.act}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
