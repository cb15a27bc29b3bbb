// Consent: who is left alone, who waits for a decision, what people agreed to, the rules, the words, and what people ask for.
import { Badge, ScrollArea, Tabs } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMay } from '@/accounts/hooks';
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';
import { Holds } from './Holds';
import { useHoldCount } from './hooks';
import { OptOuts } from './OptOuts';
import { consentTabs, type ConsentTab } from './routes';
import { Ledger } from './Ledger';
import { Requests } from './Requests';
import { Rules } from './Rules';
import { WordLists } from './WordLists';

const route = getRouteApi('/shell/consent/$tab');

export default function ConsentPage() {
  const t = useWords().consent;
  const { tab } = route.useParams();
  const navigate = useNavigate();
  const mayEdit = useMay('operator');
  const waiting = useHoldCount(mayEdit);
  const offered = consentTabs.filter((one) => one === 'opt-outs' || mayEdit);
  const here: ConsentTab = offered.find((one) => one === tab) ?? 'opt-outs';
  return (
    <>
      <PageHead title={t.title} state={t.tabs[here]} lead={t.lead} />
      <Tabs value={here} onChange={(next) => next !== null && void navigate({ to: '/consent/$tab', params: { tab: next }, search: {} })} keepMounted={false}>
        <ScrollArea type="never">
          <Tabs.List mb="lg" className="hantar-tabs" style={{ flexWrap: 'nowrap' }}>
            {offered.map((one) => (
              <Tabs.Tab
                key={one}
                value={one}
                styles={{ tabSection: { flexShrink: 0 } }}
                rightSection={
                  one === 'holds' && (waiting.data ?? 0) > 0 ? (
                    <Badge size="sm" color="yellow" className="hantar-state-yellow" miw={22} px={6} styles={{ label: { overflow: 'visible' } }}>
                      {waiting.data}
                    </Badge>
                  ) : undefined
                }
                data-testid={`consent-tab-${one}`}
              >
                {t.tabs[one]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </ScrollArea>
        <Tabs.Panel value="opt-outs">
          <OptOuts />
        </Tabs.Panel>
        <Tabs.Panel value="holds">
          <Holds />
        </Tabs.Panel>
        <Tabs.Panel value="consents">
          <Ledger />
        </Tabs.Panel>
        <Tabs.Panel value="words">
          <WordLists />
        </Tabs.Panel>
        <Tabs.Panel value="requests">
          <Requests />
        </Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
