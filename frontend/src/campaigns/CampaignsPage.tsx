// The list of campaigns: running ones first, each with its state, numbers and what one can do with it.
import { Button, Group, Stack, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Megaphone, Plus } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { useFormat } from '@/parts/format';
import { Moment } from '@/parts/Moment';
import { PageHead } from '@/parts/PageHead';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { hasStarted, isRunning, should } from './actions';
import { CampaignActions } from './CampaignActions';
import { CampaignMiniBar } from './CampaignBar';
import { CampaignLink } from './CampaignLink';
import { CampaignFilters } from './CampaignFilters';
import { Ends } from './Ends';
import { useCampaigns } from './hooks';
import { useNow } from './useNow';
import type { Campaign } from './types';

const route = getRouteApi('/shell/campaigns');

export default function CampaignsPage() {
  const t = useWords().campaigns;
  const mayMake = useMay('operator');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useCampaigns({ ...search, status: search.status && [search.status] });
  const columns = useColumns();
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  const clear = () => void navigate({ search: {}, replace: true });
  const newButton = mayMake ? <NewButton /> : undefined;
  return (
    <>
      <PageHead title={t.title} lead={t.lead} actions={newButton} />
      <CampaignFilters search={search} onChange={(change) => void navigate({ search: { ...search, ...change }, replace: true })} onClear={clear} />
      <DataTable
        label={t.title}
        columns={columns}
        list={list}
        rowId={(campaign) => campaign.id}
        rowName={(campaign) => campaign.title}
        rowActions={(campaign) => <CampaignActions campaign={campaign} as="row" />}
        empty={
          isFiltered ? (
            <NothingMatches onClear={clear} />
          ) : (
            <EmptyState icon={Megaphone} words={t.empty} hint={mayMake ? t.emptyHint : t.emptyViewer} action={mayMake ? <NewButton isSecond /> : undefined} />
          )
        }
        data-testid="campaigns-list"
      />
    </>
  );
}

function NewButton({ isSecond = false }: { isSecond?: boolean }) {
  const t = useWords().campaigns;
  return (
    <Button
      component={Link}
      to="/campaigns/new"
      leftSection={<Plus size={16} aria-hidden />}
      variant={isSecond ? 'light' : 'filled'}
      data-page-new={isSecond ? undefined : true}
      data-testid={isSecond ? 'campaigns-empty-new' : 'campaigns-list-new'}
    >
      {t.new}
    </Button>
  );
}

function useColumns(): Column<Campaign>[] {
  const t = useWords().campaigns;
  return [
    { key: 'state', header: t.columns.state, render: (campaign) => <State campaign={campaign} />, onPhone: 'main', width: 150 },
    { key: 'title', header: t.columns.title, render: (campaign) => <TitleCell campaign={campaign} />, onPhone: 'title' },
    { key: 'when', header: t.columns.when, render: (campaign) => <When campaign={campaign} /> },
    { key: 'recipients', header: t.columns.recipients, align: 'right', render: (campaign) => figure(campaign, number(campaign.counts.total)) },
    {
      key: 'sent',
      header: t.columns.sent,
      align: 'right',
      onPhone: 'main',
      render: ({ counts, ...campaign }) => figure({ counts, ...campaign }, t.sentOf(counts.sent, should(counts))),
    },
    {
      key: 'success',
      header: t.columns.success,
      align: 'right',
      render: (campaign) => figure(campaign, campaign.success_rate === null ? '–' : t.percent(campaign.success_rate)),
    },
    {
      key: 'rate',
      header: t.columns.rate,
      align: 'right',
      render: (campaign) => (campaign.rate_per_minute === null ? '–' : <span style={{ whiteSpace: 'nowrap' }}>{t.ratePerMinute(campaign.rate_per_minute)}</span>),
    },
    { key: 'eta', header: t.columns.eta, render: (campaign) => <Ends from={campaign.eta_at} to={campaign.eta_late_at} /> },
  ];
}

/** Numbers of messages only once there are any. */
function figure(campaign: Campaign, words: string) {
  return campaign.counts.total === 0 && !isRunning(campaign) ? '–' : <span style={{ whiteSpace: 'nowrap' }}>{words}</span>;
}

function State({ campaign }: { campaign: Campaign }) {
  const t = useWords();
  const reason = campaign.status_reason === null ? null : (t.states.reason[campaign.status_reason] ?? campaign.status_reason);
  return (
    <Stack gap={6} align="flex-start">
      <StateBadge kind="campaign" state={campaign.status} hint={reason} data-testid="campaigns-row-state" />
      {hasStarted(campaign) && (isRunning(campaign) || campaign.status === 'paused') && <CampaignMiniBar campaign={campaign} />}
      {!hasStarted(campaign) && <Countdown campaign={campaign} />}
    </Stack>
  );
}

function Countdown({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns;
  const format = useFormat();
  const now = useNow(15_000);
  const isHeld = campaign.status === 'paused';
  if (Date.parse(campaign.scheduled_at) <= now) return isHeld ? <Text size="xs" c="dimmed">{t.notStarted}</Text> : null;
  return (
    <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
      {isHeld ? t.notStarted : t.startsIn(format.relative(campaign.scheduled_at, new Date(now)))}
    </Text>
  );
}

function TitleCell({ campaign }: { campaign: Campaign }) {
  const t = useWords();
  const niche = campaign.niche === 'all' ? t.campaigns.allNiches : campaign.niche.replaceAll(',', ', ');
  return (
    <div style={{ minWidth: 160, maxWidth: 380 }}>
      <CampaignLink
        id={campaign.id}
        fw={600}
        c="inherit"
        lineClamp={2}
        style={{ overflowWrap: 'anywhere' }}
        data-testid="campaigns-row-open"
      >
        {campaign.title}
      </CampaignLink>
      <Group gap={6}>
        <Text size="xs" c="dimmed" lineClamp={1} style={{ overflowWrap: 'anywhere' }}>
          {t.campaigns.audience(niche, t.campaigns.targets[campaign.target_status] ?? null)}
          {campaign.is_demo && ` · ${t.campaigns.demo}`}
        </Text>
      </Group>
    </div>
  );
}

function When({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns;
  const isPlanned = campaign.campaign_date !== null || campaign.time_schedule !== null;
  if (!hasStarted(campaign) && !isPlanned) return <Text size="sm" c="dimmed">{t.heldNote}</Text>;
  return <Moment at={campaign.started_at ?? campaign.scheduled_at} as="full" />;
}
