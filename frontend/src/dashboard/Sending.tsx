// Campaigns that are being sent now, and those that come next.
import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Pause } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import type { Campaign } from '@/api/types';
import { useFollow } from '@/api/useLive';
import { useHeld } from '@/campaigns/held';
import { Moment } from '@/parts/Moment';
import { ProgressWithEta } from '@/parts/ProgressWithEta';
import { Section } from '@/parts/Section';
import { StateBadge } from '@/parts/StateBadge';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { usePauseCampaign } from './hooks';

export function NowSending({ campaigns }: { campaigns: Campaign[] }) {
  const t = useWords().dashboard.sending;
  return (
    <Section title={t.title} data-testid="dashboard-sending">
      <Stack gap="lg">
        {campaigns.map((campaign) => (
          <One key={campaign.id} campaign={campaign} />
        ))}
      </Stack>
    </Section>
  );
}

function One({ campaign }: { campaign: Campaign }) {
  const t = useWords().dashboard.sending;
  const mayEdit = useMay('operator');
  const pause = usePauseCampaign();
  const [run, isBusy] = useAction();
  useFollow(`campaign:${campaign.id}`);
  const { counts } = campaign;
  const { isStill } = useHeld(campaign);
  return (
    <div>
      <Group justify="space-between" wrap="nowrap" mb={6}>
        <Group gap="sm" style={{ minWidth: 0 }}>
          <Anchor component={Link} to={`/campaigns/${campaign.id}`} fw={600} lineClamp={1} style={{ overflowWrap: 'anywhere' }}>
            {campaign.title}
          </Anchor>
          <StateBadge kind="campaign" state={campaign.status} />
        </Group>
        {mayEdit && (
          <Button
            size="xs"
            variant="default"
            leftSection={<Pause size={14} aria-hidden />}
            loading={isBusy}
            onClick={() => void run(() => pause.mutateAsync(campaign.id), t.paused)}
            data-testid="dashboard-pause"
          >
            {t.pause}
          </Button>
        )}
      </Group>
      <ProgressWithEta
        label={t.progress(campaign.title)}
        done={counts.sent + counts.failed + counts.skipped + counts.unconfirmed}
        total={counts.total}
        ratePerMinute={isStill ? null : campaign.rate_per_minute}
        etaAt={isStill ? null : campaign.eta_at}
        etaLateAt={isStill ? null : campaign.eta_late_at}
        isActive={!isStill}
      />
      {isStill && (
        <Text size="sm" c="orange">
          {t.still}
        </Text>
      )}
    </div>
  );
}

export function NextUp({ campaigns }: { campaigns: Campaign[] }) {
  const t = useWords().dashboard.next;
  const mayEdit = useMay('operator');
  return (
    <Section
      title={t.title}
      actions={
        mayEdit && (
          <Button component={Link} to="/campaigns/new" size="xs" variant="default" data-page-new data-testid="dashboard-new-campaign">
            {t.plan}
          </Button>
        )
      }
    >
      {campaigns.length === 0 ? (
        <Text c="dimmed" size="sm">
          {t.nothing}
        </Text>
      ) : (
        <Stack gap="sm">
          {campaigns.map((campaign) => (
            <Group key={campaign.id} justify="space-between" wrap="nowrap">
              <Anchor component={Link} to={`/campaigns/${campaign.id}`} size="sm" lineClamp={1}>
                {campaign.title}
              </Anchor>
              <Moment at={campaign.scheduled_at} as="full" c="dimmed" />
            </Group>
          ))}
        </Stack>
      )}
    </Section>
  );
}
