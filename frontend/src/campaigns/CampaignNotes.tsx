// What needs a person on a campaign's page: a missed start, unconfirmed messages, recipients being written.
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { CircleHelp, Hourglass, TriangleAlert } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { useAction } from '@/parts/useAction';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import { CampaignLink } from './CampaignLink';
import { HeldNote } from './HeldNote';
import { useResume } from './hooks';
import { CanaryNote, PausedNote } from './PausedNote';
import type { Campaign } from './types';

export function CampaignNotes({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.page;
  return (
    <>
      {campaign.status === 'paused' && campaign.status_reason === 'waits_for_answer' && <LateStart campaign={campaign} />}
      {campaign.status === 'triggered' && (
        <Alert color="blue" variant="light" icon={<Hourglass aria-hidden />} role="status" py="xs">
          {t.triggered}
        </Alert>
      )}
      <PausedNote campaign={campaign} />
      <CanaryNote campaign={campaign} />
      <HeldNote campaign={campaign} />
      {campaign.counts.unconfirmed > 0 && (
        <Alert color="orange" variant="light" icon={<CircleHelp aria-hidden />} py="xs" data-testid="campaigns-unconfirmed-note">
          <Text size="sm" span>
            {t.unconfirmed(campaign.counts.unconfirmed)}{' '}
          </Text>
          <CampaignLink
            id={campaign.id}
            search={{ tab: 'recipients', status: 'unconfirmed' }}
            size="sm"
            data-testid="campaigns-unconfirmed-show"
          >
            {t.settle}
          </CampaignLink>
        </Alert>
      )}
    </>
  );
}

function LateStart({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns;
  const format = useFormat();
  const mayAct = useMay('operator');
  const [run, isBusy] = useAction();
  const resume = useResume();
  const answer = (answer: 'run' | 'skip', done: string) => void run(() => resume.mutateAsync({ id: campaign.id, answer }), done);
  return (
    <Alert color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} title={t.page.late.title} data-testid="campaigns-late-note">
      <Stack gap="sm">
        <Text size="sm">{t.page.late.words(format.moment(campaign.scheduled_at))}</Text>
        {mayAct && (
          <Group gap="xs">
            <Button size="xs" onClick={() => answer('run', t.done.started)} loading={isBusy} data-testid="campaigns-late-run">
              {t.page.late.run}
            </Button>
            <Button size="xs" variant="default" onClick={() => answer('skip', t.done.cancelled)} disabled={isBusy} data-testid="campaigns-late-skip">
              {t.page.late.skip}
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}
