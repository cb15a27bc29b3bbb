// Why the rules paused this campaign, with the figures and the import behind it; and the first people who go ahead of the rest.
import { Alert, Button, Group, List, Text } from '@mantine/core';
import { CirclePause, Hourglass } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { useAction } from '@/parts/useAction';
import { useFormat } from '@/parts/format';
import { AnchorLink } from '@/parts/links';
import { useWords } from '@/words';
import { useReleaseCanary } from './hooks';
import type { Campaign } from './types';

export function PausedNote({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.resume;
  const format = useFormat();
  const cause = campaign.pause_cause;
  if (!cause || campaign.status !== 'paused') return null;
  return (
    <Alert color="orange" variant="light" icon={<CirclePause aria-hidden />} title={t.paused} role="status" data-testid="campaigns-paused-note" data-cause={cause.code}>
      <Text size="sm">{cause.words}</Text>
      {cause.import_ids.length > 0 && (
        <List size="sm" mt="xs">
          {cause.import_ids.map((id) => (
            <List.Item key={id}>
              <AnchorLink to="/leads/imports/$importId" params={{ importId: id }} size="sm">
                {t.import}
              </AnchorLink>
            </List.Item>
          ))}
        </List>
      )}
      {cause.device_id !== null && (
        <AnchorLink to="/devices/$deviceId" params={{ deviceId: cause.device_id }} size="sm">
          {t.device}
        </AnchorLink>
      )}
      {campaign.resume_after && (
        <Text size="sm" mt="xs">
          {t.earliest(format.moment(campaign.resume_after))}
        </Text>
      )}
    </Alert>
  );
}

export function CanaryNote({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.canary;
  const mayAct = useMay('operator');
  const release = useReleaseCanary();
  const [run, isBusy] = useAction();
  if (campaign.waiting_for !== 'canary') return null;
  return (
    <Alert color="blue" variant="light" icon={<Hourglass aria-hidden />} title={t.title(campaign.canary ?? 0)} role="status" data-testid="campaigns-canary-note">
      <Group justify="space-between">
        <Text size="sm" style={{ flex: '1 1 260px' }}>
          {t.words}
        </Text>
        {mayAct && (
          <Button size="xs" loading={isBusy} onClick={() => void run(() => release.mutateAsync(campaign.id), t.released)} data-testid="campaigns-canary-release">
            {t.release}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
