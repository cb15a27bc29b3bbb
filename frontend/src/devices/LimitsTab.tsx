// How fast a device may send. Courtesy and load control.
import { Anchor, NumberInput, SimpleGrid, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link } from '@tanstack/react-router';
import type { Device } from '@/api/types';
import { address } from '@/parts/address';
import { ProblemSummary } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useEditDevice } from './hooks';

const counted = ['per_minute', 'per_hour', 'per_day'] as const;
type Numbers = Record<'per_minute' | 'per_hour' | 'per_day' | 'min_delay_seconds' | 'max_delay_seconds', number | string>;

export function LimitsTab({ device }: { device: Device }) {
  const t = useWords().devices.limits;
  const edit = useEditDevice();
  const positive = (value: number | string) => (typeof value === 'number' && Number.isInteger(value) && value > 0 ? null : t.positive);
  const notNegative = (value: number | string) => (typeof value === 'number' && value >= 0 ? null : t.notNegative);
  const form = useForm<Numbers>({
    validateInputOnBlur: true,
    initialValues: { ...device.limits, min_delay_seconds: device.min_delay_seconds, max_delay_seconds: device.max_delay_seconds },
    validate: {
      per_minute: positive,
      per_hour: positive,
      per_day: positive,
      min_delay_seconds: notNegative,
      max_delay_seconds: (value, values) => notNegative(value) ?? (Number(value) < Number(values.min_delay_seconds) ? t.maxBelowMin : null),
    },
  });
  const problem = useFormProblem(form, {
    'limits.per_minute': 'per_minute',
    'limits.per_hour': 'per_hour',
    'limits.per_day': 'per_day',
  });

  async function submit(values: Numbers) {
    problem.clear();
    try {
      await edit.mutateAsync({
        id: device.id,
        limits: Object.fromEntries(counted.filter((name) => Number(values[name]) !== device.limits[name]).map((name) => [name, Number(values[name])])),
        min_delay_seconds: Number(values.min_delay_seconds),
        max_delay_seconds: Number(values.max_delay_seconds),
      });
      tell(t.saved);
    } catch (error) {
      problem.show(error);
    }
  }

  const origin = (name: (typeof counted)[number], hint?: string) => ({
    description: [t.origins[device.limit_origins[name]], hint].filter(Boolean).join(' '),
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[],
  });
  const isAbove = problem.problem?.fields.some((field) => field.code === 'above_policy') ?? false;

  return (
    <Section
      title={t.title}
      hint={
        <>
          {t.hint}{' '}
          <Anchor component={Link} {...address(`/consent/rules?kind=${device.rules_kind}`)} size="sm" underline="always" data-testid="limits-rules">
            {t.toRules}
          </Anchor>
        </>
      }
    >
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          {isAbove && (
            <Anchor component={Link} {...address(`/consent/rules?kind=${device.rules_kind}`)} size="sm" data-testid="limits-above">
              {t.changeRules}
            </Anchor>
          )}
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <NumberInput label={t.perMinute} {...origin('per_minute')} min={1} allowDecimal={false} {...form.getInputProps('per_minute')} data-testid="limits-per-minute" />
            <NumberInput label={t.perHour} {...origin('per_hour', t.perHourHint)} min={1} allowDecimal={false} {...form.getInputProps('per_hour')} data-testid="limits-per-hour" />
            <NumberInput label={t.perDay} {...origin('per_day')} min={1} allowDecimal={false} {...form.getInputProps('per_day')} data-testid="limits-per-day" />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <NumberInput label={t.minDelay} description={t.delayHint} inputWrapperOrder={['label', 'input', 'description', 'error']} min={0} {...form.getInputProps('min_delay_seconds')} data-testid="limits-min-delay" />
            <NumberInput label={t.maxDelay} min={0} {...form.getInputProps('max_delay_seconds')} data-testid="limits-max-delay" />
          </SimpleGrid>
        </Stack>
        <SubmitRow label={t.save} isBusy={edit.isPending} data-testid="limits-save" />
      </form>
    </Section>
  );
}
