// A lead to read, for those who may not edit; and the facts below the form.
import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useDevices } from '@/devices/hooks';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { Entries } from './columns';
import type { Lead } from './types';

export function LeadView({ lead }: { lead: Lead }) {
  const t = useWords().leads;
  const device = useDevices().data?.find((each) => each.id === lead.device_id);
  return (
    <Stack gap="sm" data-testid="leads-drawer-view">
      <Fact label={t.form.name}>
        <Text dir="auto" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {lead.name}
        </Text>
      </Fact>
      <Fact label={t.form.phone}>
        <Phone digits={lead.phone} withCopy />
      </Fact>
      <Fact label={t.form.device}>{device?.name ?? t.noDevice}</Fact>
      <Fact label={t.form.target}>
        <StateBadge kind="target" state={lead.target_status} />
      </Fact>
      {lead.niches.length > 0 && (
        <Fact label={t.form.niche}>
          <Entries entries={lead.niches} />
        </Fact>
      )}
      {lead.triggers.length > 0 && (
        <Fact label={t.form.trigger}>
          <Entries entries={lead.triggers} />
        </Fact>
      )}
      {lead.additional_note !== null && (
        <Fact label={t.form.note}>
          <Text size="sm" dir="auto" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {lead.additional_note}
          </Text>
        </Fact>
      )}
      {Object.entries(lead.attributes).map(([name, value]) => (
        <Fact key={name} label={name}>
          {value}
        </Fact>
      ))}
      {lead.time_zone !== null && <Fact label={t.form.zone}>{lead.time_zone}</Fact>}
      <LeadFacts lead={lead} />
    </Stack>
  );
}

/** Where it came from and when. */
export function LeadFacts({ lead }: { lead: Lead }) {
  const t = useWords().leads.drawer;
  return (
    <Group gap="lg" component="section" aria-label={t.facts}>
      <Fact label={t.source}>{t.sources[lead.source] ?? lead.source}</Fact>
      <Fact label={t.madeAt}>
        <Moment at={lead.created_at} as="full" />
      </Fact>
      <Fact label={t.changedAt}>
        <Moment at={lead.updated_at} as="full" />
      </Fact>
    </Group>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" component="div">
        {children}
      </Text>
    </div>
  );
}
