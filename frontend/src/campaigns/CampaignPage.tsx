// One campaign: state and what one can do, how it goes, and its tabs.
import { Card, Skeleton, Stack, Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useFollow } from '@/api/useLive';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { hasStarted } from './actions';
import { CampaignActions } from './CampaignActions';
import { CampaignBar } from './CampaignBar';
import { CampaignCounts } from './CampaignCounts';
import { CampaignNotes } from './CampaignNotes';
import { useCampaign } from './hooks';
import { Overview } from './Overview';
import { Recipients } from './Recipients';
import { ReportTab } from './ReportTab';
import { campaignTabs, type CampaignTab } from './routes';
import type { Campaign } from './types';

const route = getRouteApi('/shell/campaigns/$campaignId');

export default function CampaignPage() {
  const t = useWords().campaigns;
  const { campaignId } = route.useParams();
  const campaign = useCampaign(campaignId);
  useFollow(`campaign:${campaignId}`);
  if (campaign.data !== undefined) return <Loaded campaign={campaign.data} />;
  return (
    <>
      <PageHead title={t.title} crumbs={[{ label: t.page.crumbs, to: '/campaigns' }]} />
      {campaign.isError ? (
        <FailedLoad problem={campaign.error} onRetry={() => void campaign.refetch()} />
      ) : (
        <Stack>
          <Skeleton height={90} />
          <Skeleton height={320} />
        </Stack>
      )}
    </>
  );
}

function Loaded({ campaign }: { campaign: Campaign }) {
  const t = useWords();
  const state = t.states.campaign[campaign.status] ?? campaign.status;
  const reason = campaign.status_reason === null ? null : (t.states.reason[campaign.status_reason] ?? campaign.status_reason);
  return (
    <>
      <PageHead
        title={campaign.title}
        state={state}
        crumbs={[{ label: t.campaigns.page.crumbs, to: '/campaigns' }]}
        badge={<StateBadge kind="campaign" state={campaign.status} hint={reason} size="lg" data-testid="campaigns-page-state" />}
        lead={reason !== null ? t.campaigns.page.reason(reason) : isHeldBack(campaign) ? t.campaigns.heldNote : undefined}
        actions={<CampaignActions campaign={campaign} as="page" />}
      />
      <Stack gap="lg">
        <CampaignNotes campaign={campaign} />
        {hasStarted(campaign) && campaign.counts.total > 0 && (
          <Card data-testid="campaigns-page-progress">
            <Stack gap="md">
              <CampaignBar campaign={campaign} />
              <CampaignCounts campaign={campaign} />
            </Stack>
          </Card>
        )}
        <CampaignTabs campaign={campaign} />
      </Stack>
    </>
  );
}

/** Saved, but nobody has said start. */
function isHeldBack(campaign: Campaign): boolean {
  return campaign.status === 'paused' && !hasStarted(campaign);
}

function CampaignTabs({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.page.tabs;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? 'overview';
  const show = (next: CampaignTab) => void navigate({ search: { tab: next === 'overview' ? undefined : next } });
  return (
    <Tabs value={tab} onChange={(next) => show(next as CampaignTab)}>
      <Tabs.List mb="lg">
        {campaignTabs.map((each) => (
          <Tabs.Tab key={each} value={each} data-testid={`campaigns-tab-${each}`}>
            {t[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview">
        <Overview campaign={campaign} />
      </Tabs.Panel>
      <Tabs.Panel value="report">
        <ReportTab campaign={campaign} />
      </Tabs.Panel>
      <Tabs.Panel value="recipients">
        <Recipients campaign={campaign} search={search} onSearch={(change) => void navigate({ search: { ...search, ...change }, replace: true })} />
      </Tabs.Panel>
    </Tabs>
  );
}
