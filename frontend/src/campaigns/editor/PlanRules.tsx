// What the rules do to a plan: who waits until when, whose consent is missing, the opt-out line, the first people ahead of the rest.
import { Alert, Button, Checkbox, Code, Group, List, Stack, Switch, Text } from '@mantine/core';
import { HandMetal, Moon } from 'lucide-react';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import type { Plan } from '../types';
import type { DraftForm } from './useDraftForm';

export function PlanRules({ plan, form }: { plan: Plan; form: DraftForm }) {
  return (
    <Stack gap="sm">
      <OptOutLine plan={plan} form={form} />
      <Waits plan={plan} />
      <Canary plan={plan} form={form} />
    </Stack>
  );
}

/** Looking only: what a real device would do differently. */
export function RealNumbers({ isOn, onChange }: { isOn: boolean; onChange: (isOn: boolean) => void }) {
  const t = useWords().campaigns.editor.rules;
  return (
    <Switch
      label={t.real}
      description={t.realHint}
      checked={isOn}
      onChange={(event) => onChange(event.currentTarget.checked)}
      data-testid="campaigns-plan-real"
    />
  );
}

function OptOutLine({ plan, form }: { plan: Plan; form: DraftForm }) {
  const t = useWords().campaigns.editor.rules;
  const { is_present, is_required, proposal } = plan.opt_out_line;
  if (is_present) return null;
  return (
    <Alert color={is_required ? 'red' : 'yellow'} variant="light" icon={<HandMetal aria-hidden />} title={is_required ? t.lineRequired : t.lineMissing} data-testid="campaigns-plan-line">
      <Text size="sm">{t.lineWords}</Text>
      {proposal !== null && (
        <Group mt="xs" gap="sm">
          <Code dir="auto">{proposal}</Code>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => form.setFieldValue('message', `${form.values.message.trimEnd()}\n\n${proposal}`)}
            data-testid="campaigns-plan-add-line"
          >
            {t.addLine}
          </Button>
        </Group>
      )}
    </Alert>
  );
}

function Waits({ plan }: { plan: Plan }) {
  const t = useWords().campaigns.editor.rules;
  const format = useFormat();
  if (plan.moved.length === 0 && plan.without_consent === 0) return null;
  return (
    <Alert color="blue" variant="light" icon={<Moon aria-hidden />} data-testid="campaigns-plan-moved">
      <List size="sm" listStyleType="none">
        {plan.moved.map((each) => (
          <List.Item key={each.cause}>
            {t.moved(each.count)} {each.words} {each.until !== null && t.until(format.moment(each.until))}
          </List.Item>
        ))}
        {plan.without_consent > 0 && <List.Item>{t.withoutConsent(plan.without_consent)}</List.Item>}
      </List>
    </Alert>
  );
}

function Canary({ plan, form }: { plan: Plan; form: DraftForm }) {
  const t = useWords().campaigns.editor.rules;
  const proposed = plan.canary_proposed;
  const chosen = form.values.canary;
  if (proposed === null && chosen === null) return null;
  const size = chosen ?? proposed?.size ?? 50;
  return (
    <Checkbox
      label={t.canary(size)}
      description={t.canaryHint(Math.round((proposed?.wait_seconds ?? 1800) / 60))}
      checked={chosen !== null}
      onChange={(event) => form.setFieldValue('canary', event.currentTarget.checked ? size : null)}
      data-testid="campaigns-plan-canary"
    />
  );
}
