// The campaign editor: four steps to move between freely, the live preview beside them, and one last button that says what happens.
import { Alert, Anchor, Box, Paper, SegmentedControl, Stack, Stepper, Text, Title } from '@mantine/core';
import { History, TriangleAlert } from 'lucide-react';
import { useCallback, useState, type ReactNode } from 'react';
import { PageHead } from '@/parts/PageHead';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useFormat } from '@/parts/format';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { PreviewPanel } from '../PreviewPanel';
import type { Campaign, Lead } from '../types';
import { Basics } from './Basics';
import { firstStep, nicheOf, stepOf, type Draft } from './draft';
import classes from './Editor.module.css';
import { Leaving } from './Leaving';
import { MessageStep } from './MessageStep';
import { Moves } from './Moves';
import { PlanStep } from './PlanStep';
import { steps, type Step } from './steps';
import { useDraftForm, type DraftForm } from './useDraftForm';
import { useFinish, type Ending } from './useFinish';
import { WhenStep } from './WhenStep';

interface Props {
  /** Null for a new one. */
  campaign: Campaign | null;
  initial: Draft;
  step: Step;
  onStep: (step: Step) => void;
}

export function Editor({ campaign, initial, step, onStep }: Props) {
  const t = useWords().campaigns;
  const kept = useDraftForm(campaign, initial);
  const { form, problem } = kept;
  const finish = useFinish(campaign, kept);
  const [sample, setSample] = useState<Lead | null>(null);
  const onSample = useCallback((lead: Lead | null) => setSample(lead), []);

  function move(next: Step) {
    for (const field of Object.keys(stepOf) as (keyof Draft)[]) if (stepOf[field] === step) form.validateField(field);
    onStep(next);
  }
  async function end(ending: Ending, planHash: string | null) {
    const wrong = await finish.run(ending, planHash);
    const at = firstStep(wrong);
    if (at !== null && at !== step) onStep(at);
  }
  return (
    <>
      <PageHead
        title={campaign === null ? t.editor.newTitle : t.editor.editTitle(campaign.title)}
        crumbs={[{ label: t.title, to: '/campaigns' }]}
      />
      <Restored kept={kept} />
      <Layout preview={<PreviewPanel message={form.values.message} file={form.values.file} niche={nicheOf(form.values)} target={form.values.target_status} onSample={onSample} />}>
        <Stack gap="lg">
          <StepBar form={form} step={step} onStep={move} />
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <StepTitle step={step} />
          {step === 'basics' && <Basics form={form} />}
          {step === 'message' && <MessageStep form={form} sample={sample} />}
          {step === 'when' && <WhenStep form={form} />}
          {step === 'plan' && (
            <PlanStep
              form={form}
              campaign={campaign}
              isBusy={finish.isBusy}
              hasChanged={finish.hasChanged}
              onStep={onStep}
              onEnd={(ending, hash) => void end(ending, hash)}
            />
          )}
          {step !== 'plan' && <Moves step={step} onStep={move} />}
        </Stack>
      </Layout>
      <Leaving isDirty={kept.isDirty && !finish.isBusy && !finish.isOver} onDiscard={kept.drop} />
    </>
  );
}

/** Form and preview side by side; on phones one at a time. */
function Layout({ children, preview }: { children: ReactNode; preview: ReactNode }) {
  const t = useWords().campaigns.editor;
  const isPhone = useIsPhone();
  const [view, setView] = useState<'form' | 'preview'>('form');
  return (
    <>
      {isPhone && (
        <SegmentedControl
          fullWidth
          mb="md"
          aria-label={t.viewLabel}
          data={[
            { value: 'form', label: t.views.form },
            { value: 'preview', label: t.views.preview },
          ]}
          value={view}
          onChange={(next) => setView(next as 'form' | 'preview')}
          data-testid="campaigns-editor-view"
        />
      )}
      <div className={classes.layout}>
        <Box hidden={isPhone && view === 'preview'} className={classes.form}>
          <Paper withBorder p="lg">
            {children}
          </Paper>
        </Box>
        <Box component="aside" aria-label={t.preview.title} hidden={isPhone && view === 'form'} className={classes.preview}>
          {preview}
        </Box>
      </div>
    </>
  );
}

function StepBar({ form, step, onStep }: { form: DraftForm; step: Step; onStep: (step: Step) => void }) {
  const t = useWords().campaigns.editor;
  const isPhone = useIsPhone();
  const wrong = new Set(Object.keys(form.errors).map((field) => stepOf[field.split(/[.[]/)[0] as keyof Draft]));
  return (
    <Stepper active={steps.indexOf(step)} onStepClick={(index) => onStep(steps[index] ?? 'basics')} size={isPhone ? 'xs' : 'sm'} iconSize={isPhone ? 30 : undefined} wrap={false}>
      {steps.map((each) => (
        <Stepper.Step
          key={each}
          label={isPhone ? undefined : t.steps[each]}
          description={isPhone ? undefined : wrong.has(each) ? t.stepWrong : t.stepHints[each]}
          color={wrong.has(each) ? 'red' : undefined}
          completedIcon={wrong.has(each) ? <TriangleAlert size={16} aria-hidden /> : undefined}
          aria-label={wrong.has(each) ? `${t.steps[each]}, ${t.stepWrong}` : t.steps[each]}
          aria-current={each === step ? 'step' : undefined}
          data-testid={`campaigns-step-${each}`}
        />
      ))}
    </Stepper>
  );
}

function StepTitle({ step }: { step: Step }) {
  const t = useWords().campaigns.editor;
  return (
    <Title order={2} size="h2">
      {t.steps[step]}
    </Title>
  );
}

function Restored({ kept }: { kept: ReturnType<typeof useDraftForm> }) {
  const t = useWords().campaigns.editor;
  const format = useFormat();
  if (kept.restoredAt === null) return null;
  return (
    <Alert color="blue" variant="light" icon={<History aria-hidden />} py="xs" mb="md" role="status" data-testid="campaigns-editor-restored">
      <Text size="sm" span>
        {t.restored(format.chat(kept.restoredAt))}{' '}
      </Text>
      <Anchor component="button" type="button" size="sm" onClick={kept.startAfresh} data-testid="campaigns-editor-afresh">
        {t.startAfresh}
      </Anchor>
    </Alert>
  );
}

