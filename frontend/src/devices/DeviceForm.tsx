// Name and number of a device: the form of "add" and "edit".
import { Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';

interface Props {
  initial: { name: string; phone: string };
  /** The number of a linked device is not for typing. */
  isPhoneFixed?: boolean;
  submit: string;
  onSubmit: (values: { name: string; phone: string | null }) => Promise<void>;
  onCancel: () => void;
}

export function DeviceForm({ initial, isPhoneFixed = false, submit, onSubmit, onCancel }: Props) {
  const t = useWords().devices;
  const form = useForm({
    initialValues: initial,
    validate: { name: (value) => (value.trim() === '' ? t.checks.nameMissing : null) },
  });
  const problem = useFormProblem(form);

  async function send(values: typeof form.values) {
    problem.clear();
    form.setSubmitting(true);
    try {
      await onSubmit({ name: values.name.trim(), phone: values.phone.trim() === '' ? null : values.phone.trim() });
    } catch (error) {
      problem.show(error);
    } finally {
      form.setSubmitting(false);
    }
  }

  return (
    <form onSubmit={form.onSubmit((values) => void send(values))} noValidate>
      <Stack>
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        <TextInput
          label={t.fields.name}
          description={t.fields.nameHint}
          maxLength={100}
          data-autofocus
          {...form.getInputProps('name')}
          data-testid="device-form-name"
        />
        <TextInput
          label={t.fields.phone}
          description={isPhoneFixed ? t.fields.phoneLinkedHint : t.fields.phoneHint}
          inputMode="tel"
          autoComplete="off"
          readOnly={isPhoneFixed}
          {...form.getInputProps('phone')}
          data-testid="device-form-phone"
        />
      </Stack>
      <SubmitRow label={submit} isBusy={form.submitting} onCancel={onCancel} data-testid="device-form-submit" />
    </form>
  );
}
