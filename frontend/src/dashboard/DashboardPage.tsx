// The first page: what needs a person, how things stand, what is being sent.
import { Grid, SegmentedControl, SimpleGrid, Stack } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useMe } from '@/accounts/hooks';
import type { Dashboard } from '@/api/types';
import { useZone } from '@/app/zone';
import { Figure } from '@/parts/Figure';
import { useFormat } from '@/parts/format';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { useHasDemo } from '@/settings/demo';
import { useWords } from '@/words';
import { Attention } from './Attention';
import { FirstSteps } from './FirstSteps';
import { GuidedDemo } from './GuidedDemo';
import { useDashboard } from './hooks';
import { NextUp, NowSending } from './Sending';
import { spans } from './routes';
import { lastDays } from './span';

const DailyChart = lazy(() => import('./DailyChart'));
const route = getRouteApi('/shell/');

export default function DashboardPage() {
  const t = useWords().dashboard;
  const { user } = useMe();
  const zone = useZone();
  const format = useFormat();
  const navigate = useNavigate();
  const hasDemo = useHasDemo();
  const [remembered, remember] = useLocalStorage<number>({ key: 'hantar-dashboard-days', defaultValue: 7, getInitialValueInEffect: false });
  const days = route.useSearch().days ?? remembered;
  const query = useDashboard(lastDays(days, zone, new Date()));
  const data = query.data;
  const isNew = data !== undefined && !hasDemo && data.campaigns.total === 0 && (data.devices.total === 0 || data.leads.total === 0);

  function choose(value: string) {
    remember(Number(value));
    void navigate({ to: '/', search: { days: Number(value) }, replace: true });
  }

  return (
    <>
      <PageHead
        title={t.title}
        lead={data ? `${t.hello(user.full_name)} ${t.updated(format.relative(data.updated_at))}.` : t.hello(user.full_name)}
        actions={
          <SegmentedControl
            aria-label={t.range}
            value={String(days)}
            onChange={choose}
            data={spans.map((span) => ({ value: String(span), label: t.ranges[String(span)] ?? String(span) }))}
            data-testid="dashboard-range"
          />
        }
      />
      {query.isError && data === undefined ? (
        <FailedLoad problem={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, lg: 8 }}>
            <Stack gap="lg">
              {isNew && <FirstSteps data={data} />}
              <Figures data={data} />
              {data && data.now_sending.length > 0 && <NowSending campaigns={data.now_sending} />}
              {data && (
                <Suspense>
                  <DailyChart days={data.daily} />
                </Suspense>
              )}
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, lg: 4 }}>
            <Stack gap="lg">
              {hasDemo && <GuidedDemo />}
              <Attention alerts={data?.alerts} />
              {data && <NextUp campaigns={data.next_up} />}
            </Stack>
          </Grid.Col>
        </Grid>
      )}
    </>
  );
}

function Figures({ data }: { data: Dashboard | undefined }) {
  const t = useWords().dashboard;
  return (
    <>
      <Section title={t.campaigns.title}>
        <SimpleGrid cols={{ base: 2, xs: 3, sm: 5 }} spacing="sm">
          <Figure label={t.campaigns.total} value={data?.campaigns.total} to="/campaigns" data-testid="dashboard-campaigns" />
          <Figure label={t.campaigns.should} value={data?.campaigns.should_send} />
          <Figure label={t.campaigns.done} value={data?.campaigns.done_send} data-testid="dashboard-done" />
          <Figure label={t.campaigns.failed} value={data?.campaigns.failed_send} color={(data?.campaigns.failed_send ?? 0) > 0 ? 'red' : undefined} />
          <Figure label={t.campaigns.remaining} value={data?.campaigns.remaining_send} />
        </SimpleGrid>
      </Section>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
        <Section title={t.devices.title}>
          <SimpleGrid cols={2} spacing="sm">
            <Figure label={t.devices.total} value={data?.devices.total} to="/devices" data-testid="dashboard-devices" />
            <Figure label={t.devices.active} value={data?.devices.active} to="/devices?state=online" />
            <Figure label={t.devices.offline} value={data?.devices.offline} to="/devices?state=offline" />
            <Figure
              label={t.devices.attention}
              value={data?.devices.needs_attention}
              color={(data?.devices.needs_attention ?? 0) > 0 ? 'orange' : undefined}
              to="/devices"
            />
          </SimpleGrid>
        </Section>
        <Section title={t.leads.title}>
          <SimpleGrid cols={{ base: 2, sm: 1 }} spacing="sm">
            <Figure label={t.leads.total} value={data?.leads.total} to="/leads" data-testid="dashboard-leads" />
            <Figure label={t.leads.new} value={data?.leads.new} to="/leads" />
            {(data?.leads.pooled ?? 0) > 0 && <Figure label={t.leads.pooled} value={data?.leads.pooled} />}
          </SimpleGrid>
        </Section>
      </SimpleGrid>
    </>
  );
}
