// Step 4: the exact plan before anything is sent, and the button that says what happens.
import { Alert, Anchor, Button, Group, List, Skeleton, Stack, Text } from '@mantine/core';
import { RefreshCw, TriangleAlert } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { toProblem, type FieldError, type Problem } from '@/api/problem';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { formatIn, useFormat } from '@/parts/format';
import { useWords } from '@/words';
import { usePlan } from '../hooks';
import type { Campaign, Plan } from '../types';
import { bodyOf, renames, stepOf, wrongFields, type Draft } from './draft';
import { Moves } from './Moves';
import { PlanBoxes } from './PlanBoxes';
import { PlanPeople } from './PlanPeople';
import { PlanRules, RealNumbers } from './PlanRules';
import type { Step } from './steps';
import type { DraftForm } from './useDraftForm';
import type { Ending } from './useFinish';

interface Props {
  form: DraftForm;
  campaign: Campaign | null;
  isBusy: boolean;
  /** The people changed between looking and starting. */
  hasChanged: boolean;
  onStep: (step: Step) => void;
  onEnd: (ending: Ending, planHash: string | null) => void;
}

export function PlanStep(props: Props) {
  const t = useWords().campaigns.editor;
  const { form, onStep } = props;
  const wrong = wrongFields(form.values, t.wrong);
  const fields = Object.keys(wrong) as (keyof Draft)[];
  useEffect(() => form.setErrors(wrong), [fields.join()]);
  if (fields.length === 0) return <Planned {...props} />;
  return (
    <>
      <FixFirst wrong={wrong} onStep={onStep} />
      <Moves step="plan" onStep={onStep} />
    </>
  );
}

function FixFirst({ wrong, onStep }: { wrong: Partial<Record<keyof Draft, string>>; onStep: (step: Step) => void }) {
  const t = useWords().campaigns.editor;
  return (
    <Alert color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} title={t.fixFirst} data-testid="campaigns-plan-fix-first">
      <List size="sm">
        {(Object.entries(wrong) as [keyof Draft, string][]).map(([field, words]) => (
          <List.Item key={field}>
            <Anchor component="button" type="button" size="sm" ta="start" onClick={() => onStep(stepOf[field])}>
              {t.steps[stepOf[field]]}: {words}
            </Anchor>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Planned(props: Props) {
  const { form, hasChanged, onStep } = props;
  const t = useWords().campaigns.editor.plan;
  const body = useMemo(() => bodyOf(form.values), [form.values]);
  const [isReal, setReal] = useState(false);
  const plan = usePlan(body, isReal ? 'linked' : null);
  useEffect(() => {
    if (hasChanged) void plan.refetch();
  }, [hasChanged]);
  if (plan.isError) return <NoPlan {...props} problem={toProblem(plan.error)} onRetry={() => void plan.refetch()} />;
  if (plan.data === undefined) {
    return (
      <>
        <Skeleton height={320} />
        <Moves step="plan" onStep={onStep} />
      </>
    );
  }
  return (
    <Stack gap="lg">
      {hasChanged && (
        <Alert color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} role="alert" data-testid="campaigns-plan-changed">
          {t.changed}
        </Alert>
      )}
      <RealNumbers isOn={isReal} onChange={setReal} />
      {isReal && (
        <Alert color="blue" variant="light">
          {t.looking}
        </Alert>
      )}
      <PlanBoxes plan={plan.data} isNow={form.values.is_now} />
      <Group justify="space-between" gap="xs">
        <MadeAt at={plan.dataUpdatedAt} />
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<RefreshCw size={14} aria-hidden />}
          onClick={() => void plan.refetch()}
          loading={plan.isFetching}
          data-testid="campaigns-plan-refresh"
        >
          {t.refresh}
        </Button>
      </Group>
      <PlanRules plan={plan.data} form={form} />
      <Warnings plan={plan.data} />
      <PlanPeople plan={plan.data} hasFile={form.values.file !== null} />
      <Finish {...props} plan={plan.data} />
    </Stack>
  );
}

/** The server refused the plan: its errors go to their fields and are listed with the way there. */
function NoPlan({ form, problem, onStep, onRetry }: Props & { problem: Problem; onRetry: () => void }) {
  const rest = problem.fields.filter((error) => !(fieldOf(error) in stepOf));
  const wrong = Object.fromEntries(problem.fields.filter((error) => !rest.includes(error)).map((error) => [fieldOf(error), error.message]));
  useEffect(() => form.setErrors(wrong), [problem]);
  return (
    <>
      {Object.keys(wrong).length > 0 ? <FixFirst wrong={wrong} onStep={onStep} /> : <FailedLoad problem={problem} onRetry={onRetry} />}
      {rest.length > 0 && <ProblemSummary problem={problem} rest={rest} />}
      <Moves step="plan" onStep={onStep} />
    </>
  );
}

function fieldOf(error: FieldError): string {
  const name = error.field.split(/[.[]/)[0] ?? error.field;
  return renames[name] ?? name;
}

function MadeAt({ at }: { at: number }) {
  const t = useWords().campaigns.editor.plan;
  const format = useFormat();
  return (
    <Text size="xs" c="dimmed">
      {t.refreshed(format.time(new Date(at).toISOString()))}
    </Text>
  );
}

function Warnings({ plan }: { plan: Plan }) {
  const t = useWords().campaigns.editor.plan;
  const warnings = plan.warnings.filter((warning) => warning.code !== 'opt_out_line_missing');
  if (warnings.length === 0) return null;
  return (
    <Alert color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} title={t.warnings} data-testid="campaigns-plan-warnings">
      <List size="sm">
        {warnings.map((warning) => (
          <List.Item key={warning.code}>{warning.message}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** The last buttons. Without people there is nothing to start, but it can be saved. */
function Finish({ form, campaign, plan, isBusy, onStep, onEnd }: Props & { plan: Plan }) {
  const t = useWords().campaigns.editor.plan;
  const { is_now, time_zone } = form.values;
  const at = formatIn(time_zone);
  // A time that has passed today means now; the plan warns of it, and the button must not promise a schedule.
  const startsNow = is_now || plan.warnings.some((warning) => warning.code === 'past_time');
  const label = startsNow ? t.start(plan.will_send) : t.schedule(plan.will_send, at.moment(plan.starts_at));
  return (
    <Moves step="plan" onStep={onStep}>
      <Group gap="xs" justify="flex-end" style={{ flex: 1 }}>
      {campaign?.status !== 'pending' && (
        <Button variant="default" onClick={() => onEnd('hold', null)} disabled={isBusy} data-testid="campaigns-plan-save">
          {campaign === null ? t.save : t.saveChanges}
        </Button>
      )}
      <Button
        onClick={() => onEnd(is_now ? 'start' : 'schedule', plan.plan_hash)}
        loading={isBusy}
        disabled={plan.will_send === 0 || plan.plan_hash === null || plan.opt_out_line.is_required}
        data-testid="campaigns-plan-finish"
      >
        {label}
      </Button>
      </Group>
    </Moves>
  );
}
