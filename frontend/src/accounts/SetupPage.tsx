// First steps after the first sign-in. Every step can be left out; nothing is asked twice.
import { Button, Card, Group, Skeleton, Stepper, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Sparkles } from 'lucide-react';
import { useState } from 'react';
import { browserZone } from '@/app/zone';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { useAction } from '@/parts/useAction';
import { useFormProblem } from '@/parts/useFormProblem';
import { useIsPhone } from '@/parts/usePhone';
import { useStartDemo } from '@/settings/demo';
import { useWords } from '@/words';
import { checkEmail, checkName, checkNewPassword, checkSame } from './checks';
import { useFinishSetup, useMe, useSetup } from './hooks';
import { CheckStep, ChooseStep, PlaceStep, TermsStep, YouStep, type SetupForm } from './setupSteps';

const FIELDS_OF_STEP: (keyof SetupForm)[][] = [[], ['full_name', 'email', 'current_password', 'new_password', 'again'], ['time_zone', 'default_country', 'registration'], ['accept_terms'], []];
const LAST = FIELDS_OF_STEP.length - 1;

export default function SetupPage() {
  const setup = useSetup();
  if (setup.isError) return <FailedLoad problem={setup.error} onRetry={() => void setup.refetch()} />;
  if (setup.data === undefined) return <Skeleton height={360} radius="lg" />;
  return <Steps isOpen={setup.data.registration === 'open'} />;
}

function Steps({ isOpen }: { isOpen: boolean }) {
  const t = useWords();
  const words = t.accounts.setup;
  const { user, workspace } = useMe();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const isPhone = useIsPhone();
  const [step, setStep] = useState(0);
  const finish = useFinishSetup();
  const demo = useStartDemo();
  const [run, isBusy] = useAction();
  const form = useForm<SetupForm>({
    validateInputOnBlur: true,
    initialValues: {
      full_name: user.full_name,
      // The administrator's first name is not an address: the field is left to fill in.
      email: user.email.includes('@') ? user.email : '',
      current_password: '',
      new_password: '',
      again: '',
      time_zone: user.time_zone || browserZone(),
      default_country: workspace.default_country,
      registration: isOpen ? 'open' : 'closed',
      accept_terms: false,
    },
    validate: {
      full_name: (value) => checkName(t, value),
      email: (value) => checkEmail(t, value),
      new_password: (value) => (value === '' ? null : checkNewPassword(t, value)),
      current_password: (value, values) => (value === '' && values.new_password !== '' ? t.accounts.checks.passwordMissing : null),
      again: (value, values) => checkSame(t, value, values.new_password),
      accept_terms: (value) => (value ? null : words.terms.mustAccept),
    },
  });
  const problem = useFormProblem(form);

  async function next() {
    const wrong = (FIELDS_OF_STEP[step] ?? []).filter((field) => form.validateField(field).hasError);
    if (wrong[0] !== undefined) {
      form.getInputNode(wrong[0])?.focus();
      return;
    }
    if (step < LAST - 1) {
      setStep(step + 1);
      return;
    }
    problem.clear();
    try {
      const { again: _again, ...answers } = form.values;
      await finish.mutateAsync(answers);
      setStep(LAST);
    } catch (error) {
      problem.show(error);
    }
  }

  async function startDemo() {
    await run(async () => {
      const { campaign_id: campaign } = await demo.mutateAsync();
      await leave(campaign ? `/campaigns/${campaign}` : '/');
    });
  }

  async function leave(href: string) {
    await cache.invalidateQueries();
    await navigate({ href });
  }

  const steps = [words.steps.check, words.steps.you, words.steps.place, words.steps.terms, words.steps.choose];
  return (
    <>
      <PageHead
        title={words.title}
        lead={words.lead}
        actions={
          step < LAST && (
            <>
              <Button variant="default" onClick={() => void leave('/')} data-testid="setup-skip">
                {words.skip}
              </Button>
              <Button
                variant="light"
                leftSection={<Sparkles size={16} aria-hidden />}
                onClick={() => void startDemo()}
                loading={isBusy}
                data-testid="setup-demo-now"
              >
                {words.demoNow}
              </Button>
            </>
          )
        }
      />
      {isPhone ? (
        <Text size="sm" c="dimmed" mb="sm">
          {words.stepLabel(step + 1, steps.length)} · {steps[step]}
        </Text>
      ) : (
        <Stepper active={step} size="sm" mb="lg" iconSize={32} onStepClick={step === LAST ? undefined : setStep} allowNextStepsSelect={false}>
          {steps.map((label) => (
            <Stepper.Step key={label} label={label} />
          ))}
        </Stepper>
      )}
      <Card padding="xl" maw={step === LAST ? undefined : 760}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void next();
          }}
          noValidate
        >
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          {step === 0 && <CheckStep />}
          {step === 1 && <YouStep form={form} />}
          {step === 2 && <PlaceStep form={form} />}
          {step === 3 && <TermsStep form={form} />}
          {step === LAST && (
            <ChooseStep isBusy={isBusy} onDemo={() => void startDemo()} onDevice={() => void leave('/devices?add=true')} onLook={() => void leave('/')} />
          )}
          {step < LAST && (
            <Group justify="space-between" mt="xl">
              {step > 0 ? (
                <Button variant="default" type="button" onClick={() => setStep(step - 1)}>
                  {words.back}
                </Button>
              ) : (
                <span />
              )}
              <Button type="submit" loading={finish.isPending} data-testid="setup-next">
                {step === LAST - 1 ? words.save : words.next}
              </Button>
            </Group>
          )}
        </form>
      </Card>
    </>
  );
}
