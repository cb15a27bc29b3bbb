// A person as a whole: may we write, what they agreed to, opt-outs, holds, caps, names, devices in touch.
import { Alert, Badge, Button, Group, List, Skeleton, Stack, Text, Title } from '@mantine/core';
import { HandMetal } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useMay } from '@/accounts/hooks';
import { useFormat, phone } from '@/parts/format';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { AddOptOut } from './AddOptOut';
import { GiveConsent } from './GiveConsent';
import { usePerson, useWhyNot } from './personHooks';
import type { Person } from './types';

export function PersonPanel({ personId }: { personId: string }) {
  const t = useWords().consent.person;
  const person = usePerson(personId);
  const mayEdit = useMay('operator');
  const [dialog, setDialog] = useState<'out' | 'consent' | null>(null);
  if (person.isError) return <FailedLoad problem={person.error} onRetry={() => void person.refetch()} />;
  if (person.data === undefined) return <Skeleton height={320} />;
  const found = person.data;
  if (found.erased_at !== null) return <Alert color="gray">{t.erased}</Alert>;
  return (
    <Stack gap="lg" pb="lg" data-testid="person-panel">
      <Group gap="xs">
        <ConsentBadge consent={found.consent} isOut={found.opted_out} />
        {found.on_hold && (
          <Badge color="yellow" tt="none" className="hantar-state-yellow">
            {t.onHold}
          </Badge>
        )}
      </Group>
      <WhyNot personId={personId} />
      {mayEdit && (
        <Group gap="xs">
          <Button variant="default" onClick={() => setDialog('consent')} data-testid="person-consent">
            {t.record}
          </Button>
          {!found.opted_out && (
            <Button variant="light" color="red" leftSection={<HandMetal size={16} aria-hidden />} onClick={() => setDialog('out')} data-testid="person-opt-out">
              {t.optOut}
            </Button>
          )}
        </Group>
      )}
      <Ledger person={found} />
      <Names person={found} />
      {dialog === 'out' && <AddOptOut person={{ id: found.id, name: found.name || phone(found.phone) || t.someone }} onClose={() => setDialog(null)} />}
      {dialog === 'consent' && <GiveConsent personId={found.id} onClose={() => setDialog(null)} />}
    </Stack>
  );
}

export function ConsentBadge({ consent, isOut }: { consent: string; isOut: boolean }) {
  const t = useWords().consent.person;
  const color = isOut ? 'red' : consent === 'granted' ? 'green' : 'gray';
  return (
    <Badge color={color} tt="none" className={`hantar-state-${color}`} data-testid="person-state" data-state={isOut ? 'opted_out' : consent}>
      {isOut ? t.isOut : (t.consents[consent] ?? consent)}
    </Badge>
  );
}

function WhyNot({ personId }: { personId: string }) {
  const t = useWords().consent.person;
  const format = useFormat();
  const why = useWhyNot(personId);
  if (why.data === undefined) return null;
  if (why.data.reasons.length === 0) return <Text size="sm">{t.mayWrite}</Text>;
  return (
    <Alert color="yellow" variant="light" title={t.whyNot} data-testid="person-why-not">
      <List size="sm">
        {why.data.reasons.map((reason) => (
          <List.Item key={reason.code}>
            {reason.words} {reason.until !== null && t.until(format.moment(reason.until))}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={3} size="h5" mb={6}>
        {title}
      </Title>
      {children}
    </section>
  );
}

function Ledger({ person }: { person: Person }) {
  const all = useWords().consent;
  const t = all.person;
  return (
    <>
      <Part title={t.agreed}>
        {person.consents.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t.noConsents}
          </Text>
        ) : (
          <Stack gap="xs">
            {person.consents.map((row) => (
              <div key={row.id}>
                <Text size="sm" style={{ overflowWrap: 'anywhere' }} td={row.withdrawn_at === null ? undefined : 'line-through'}>
                  “{row.wording}”
                </Text>
                <Text size="xs" c="dimmed">
                  {all.ledger.purposes[row.purpose]} · {all.ledger.sources[row.source]} · <Moment at={row.given_at} size="xs" c="dimmed" />
                  {row.withdrawn_at !== null && (
                    <>
                      {' '}
                      · {t.withdrawn} <Moment at={row.withdrawn_at} size="xs" c="dimmed" />
                    </>
                  )}
                </Text>
              </div>
            ))}
          </Stack>
        )}
      </Part>
      {person.opt_outs.length > 0 && (
        <Part title={t.optOuts}>
          <Stack gap="xs">
            {person.opt_outs.map((row) => (
              <Text key={row.id} size="sm" c={row.is_live ? undefined : 'dimmed'}>
                {all.optOuts.reasons[row.reason]} · {row.text !== null && row.text !== '' ? `“${row.text}” · ` : ''}
                <Moment at={row.at} /> · {row.is_live ? all.optOuts.inForce : all.optOuts.released}
              </Text>
            ))}
          </Stack>
        </Part>
      )}
      {person.holds.length > 0 && (
        <Part title={t.holds}>
          <Stack gap="xs">
            {person.holds.map((row) => (
              <Text key={row.id} size="sm" c={row.ended_at === null ? undefined : 'dimmed'}>
                {all.holds.kinds[row.kind]} · {row.text !== null && row.text !== '' ? `“${row.text}” · ` : ''}
                <Moment at={row.at} /> · {row.ended_at === null ? all.holds.open : (all.holds.outcomes[row.outcome ?? ''] ?? all.holds.past)}
              </Text>
            ))}
          </Stack>
        </Part>
      )}
      {person.caps.length > 0 && (
        <Part title={t.caps}>
          {person.caps.map((cap) => (
            <Text key={cap.kind} size="sm">
              {t.cap(cap.day, cap.day_limit, cap.week, cap.week_limit)}
            </Text>
          ))}
        </Part>
      )}
    </>
  );
}

function Names({ person }: { person: Person }) {
  const t = useWords().consent.person;
  return (
    <>
      <Part title={t.names}>
        <List size="sm">
          {person.aliases.map((alias, index) => (
            <List.Item key={index}>{alias.value === null ? t.opaque : alias.kind === 'phone' ? phone(alias.value) : alias.value}</List.Item>
          ))}
        </List>
        {person.time_zones.length > 0 && (
          <Text size="xs" c="dimmed" mt={4}>
            {t.zones(person.time_zones.join(', '))}
          </Text>
        )}
      </Part>
      {person.chats.length > 0 && (
        <Part title={t.chats}>
          {person.chats.map((chat) => (
            <Text key={chat.device_id} size="sm">
              {chat.device_name} · {t.lastIn} <Moment at={chat.last_in_at} none={t.never} />
            </Text>
          ))}
        </Part>
      )}
    </>
  );
}
