// The plan in numbers.
import { SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Figure } from '@/parts/Figure';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import { Ends } from '../Ends';
import type { Plan } from '../types';
import classes from './PlanBoxes.module.css';

export function PlanBoxes({ plan, isNow }: { plan: Plan; isNow: boolean }) {
  const t = useWords().campaigns.editor.plan;
  const format = useFormat();
  const last = plan.devices.map((device) => device.last_at).sort().at(-1) ?? null;
  const shown = (at: string) => (format.day(at) === format.day(new Date().toISOString()) ? format.time(at) : format.moment(at));
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
        <Figure label={t.match} value={plan.matched} data-testid="campaigns-plan-match" />
        <Figure label={t.gets} value={plan.will_send} data-testid="campaigns-plan-gets" />
        <Figure label={t.left} value={plan.excluded} data-testid="campaigns-plan-left" />
        <Figure label={t.devices} value={plan.devices.length} data-testid="campaigns-plan-devices" />
      </SimpleGrid>
      <dl className={classes.times}>
        <Time name={t.first}>{isNow ? t.atOnce : shown(plan.starts_at)}</Time>
        <Time name={t.last}>{last === null ? '–' : shown(last)}</Time>
        <Time name={t.eta} hint={t.etaHint}>
          <Ends from={plan.eta_at} to={plan.eta_late_at} />
        </Time>
      </dl>
    </>
  );
}

function Time({ name, hint, children }: { name: string; hint?: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="sm" c="dimmed">
        {name}
      </Text>
      <Text component="dd" m={0} fw={600} size="sm">
        {children}
      </Text>
      {hint !== undefined && (
        <Text component="dd" m={0} size="xs" c="dimmed">
          {hint}
        </Text>
      )}
    </div>
  );
}
