// One device: its state and main button above, and tabs for looking, leads, acting, limits and the simulator.
import { Alert, Badge, Group, Skeleton, Tabs } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { toProblem } from '@/api/problem';
import { useFollow } from '@/api/useLive';
import { LeadList } from '@/leads/LeadList';
import { useFormat } from '@/parts/format';
import { PageHead } from '@/parts/PageHead';
import { Phone } from '@/parts/Phone';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { ActionsTab } from './ActionsTab';
import { DeviceMenu } from './DeviceMenu';
import { DeviceState } from './DeviceState';
import { canLink, mainAction } from './groups';
import { useDevice } from './hooks';
import { useDrivers } from './kindHooks';
import { LimitsTab } from './LimitsTab';
import { LinkDevice } from './LinkDevice';
import { MainButton } from './MainButton';
import { OverviewTab } from './OverviewTab';
import type { DeviceTab } from './routes';
import { SimulatorTab } from './SimulatorTab';
import { TemplatesTab } from './TemplatesTab';
import { Unofficial } from './Unofficial';

const route = getRouteApi('/shell/devices/$deviceId');

export default function DevicePage() {
  const t = useWords();
  const words = t.devices;
  const { deviceId } = route.useParams();
  const { tab = 'overview' } = route.useSearch();
  const navigate = useNavigate();
  const format = useFormat();
  const mayEdit = useMay('operator');
  const query = useDevice(deviceId);
  const drivers = useDrivers();
  const [isLinking, setLinking] = useState(false);
  useFollow(`device:${deviceId}`);

  const crumbs = [{ label: words.title, to: '/devices' }];
  const device = query.data;
  if (device === undefined) {
    if (!query.isError) return <Skeleton height={320} radius="lg" />;
    return (
      <>
        <PageHead title={words.title} crumbs={crumbs} />
        {toProblem(query.error).status === 404 ? (
          <Alert color="yellow">{words.unknownDevice}</Alert>
        ) : (
          <FailedLoad problem={query.error} onRetry={() => void query.refetch()} />
        )}
      </>
    );
  }

  const hasTemplates = drivers.data?.find((one) => one.name === device.driver)?.templates === true;
  const tabs: DeviceTab[] = ['overview', 'leads', ...(hasTemplates ? (['templates'] as const) : []), ...(mayEdit ? (['actions', 'limits'] as const) : [])];
  if (mayEdit && device.simulated) tabs.push('simulator');
  const needsAdvice = mainAction(device) === 'whatToDo' || device.state === 'logged_out';
  return (
    <>
      <PageHead
        title={device.name}
        state={t.states.device[device.state]}
        crumbs={crumbs}
        badge={
          <Group gap={6}>
            <DeviceState device={device} />
            {device.sending_paused && (
              <Badge color="yellow" tt="none" className="hantar-state-yellow">
                {words.paused}
              </Badge>
            )}
            {device.unofficial && <Unofficial />}
            {device.simulated && (
              <Badge variant="default" tt="none" c="dimmed">
                {words.simulated}
              </Badge>
            )}
          </Group>
        }
        lead={device.phone ? <Phone digits={device.phone} withCopy size="md" /> : words.noNumber}
        actions={
          <>
            <MainButton device={device} onLink={() => setLinking(true)} isHere size="sm" />
            <DeviceMenu device={device} onLink={() => setLinking(true)} onDeleted={() => void navigate({ to: '/devices', search: {} })} />
          </>
        }
      />
      {needsAdvice && (
        <Alert color="orange" mb="md" title={device.words} data-testid="device-advice">
          {device.advice} {device.hold_until && words.holdUntil(format.moment(device.hold_until))}
        </Alert>
      )}
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            to: '/devices/$deviceId',
            params: { deviceId },
            search: { tab: next === 'overview' ? undefined : (next as DeviceTab) },
            replace: true,
          })
        }
      >
        <Tabs.List mb="lg" className="hantar-tabs">
          {tabs.map((one) => (
            <Tabs.Tab key={one} value={one} data-testid={`device-tab-${one}`}>
              {words.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="overview">
          <OverviewTab device={device} />
        </Tabs.Panel>
        <Tabs.Panel value="leads">
          <LeadList deviceId={device.id} />
        </Tabs.Panel>
        {hasTemplates && (
          <Tabs.Panel value="templates">
            <TemplatesTab device={device} />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="actions">
          <ActionsTab device={device} />
        </Tabs.Panel>
        <Tabs.Panel value="limits">
          <LimitsTab device={device} />
        </Tabs.Panel>
        <Tabs.Panel value="simulator">
          <SimulatorTab device={device} />
        </Tabs.Panel>
      </Tabs>
      {isLinking && (device.uses_credentials || canLink(device) || device.state === 'connecting' || device.state === 'online') && (
        <LinkDevice device={device} onClose={() => setLinking(false)} />
      )}
    </>
  );
}
