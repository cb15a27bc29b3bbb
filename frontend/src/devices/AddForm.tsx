// The form of a new device. What it asks follows from what its kind can do; nobody asks which driver it is.
import { Stack, Text, TextInput } from '@mantine/core';
import { useForm, type FormErrors } from '@mantine/form';
import { useEffect, useRef } from 'react';
import type { Driver } from '@/api/types';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { CredentialFields, credentialsOf, noCredentials } from './CredentialFields';
import type { NewDevice } from './hooks';
import { KindPicker } from './KindPicker';
import { LinkTerms } from './LinkTerms';

interface Props {
  drivers: Driver[];
  onSubmit: (body: NewDevice) => Promise<void>;
  onCancel: () => void;
}

export function AddForm({ drivers, onSubmit, onCancel }: Props) {
  const t = useWords();
  const words = t.devices;
  const first = drivers.find((one) => one.is_default) ?? drivers[0];
  const form = useForm({
    initialValues: { name: '', driver: first?.name ?? '', phone: '', accepted: false, ...noCredentials },
    validate: {
      name: (value) => (value.trim() === '' ? words.checks.nameMissing : null),
      accepted: (value, values) => (kindOf(values.driver)?.unofficial && !value ? t.kinds.terms.mustAccept : null),
      number_id: (value, values) => (kindOf(values.driver)?.credentials && value.trim() === '' ? t.kinds.cloud.checks.numberId : null),
      token: (value, values) => (kindOf(values.driver)?.credentials && value.trim() === '' ? t.kinds.cloud.checks.token : null),
    },
  });
  const problem = useFormProblem(form);
  const name = useRef<HTMLInputElement>(null);
  // The kinds may come after the dialog has opened; then nobody else leads the focus here.
  useEffect(() => name.current?.focus(), []);
  const kind = kindOf(form.values.driver);
  const instead = drivers.find((one) => one.credentials && !one.unofficial);

  function kindOf(driver: string): Driver | undefined {
    return drivers.find((one) => one.name === driver);
  }

  /** A form that is longer than the screen leads to what is missing. */
  function toFirst(errors: FormErrors) {
    form.getInputNode(Object.keys(errors)[0] as 'name')?.focus();
  }

  function choose(driver: string) {
    problem.clear();
    form.clearErrors();
    form.setValues({ driver, accepted: false });
  }

  async function send(values: typeof form.values) {
    problem.clear();
    form.setSubmitting(true);
    try {
      const phone = values.phone.trim() === '' ? null : values.phone.trim();
      const more = kindOf(values.driver)?.credentials ? credentialsOf(values) : { phone };
      await onSubmit({ name: values.name.trim(), driver: values.driver, ...more });
    } catch (error) {
      problem.show(error);
    } finally {
      form.setSubmitting(false);
    }
  }

  return (
    <form onSubmit={form.onSubmit((values) => void send(values), toFirst)} noValidate>
      <Stack>
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        <TextInput
          ref={name}
          label={words.fields.name}
          description={words.fields.nameHint}
          maxLength={100}
          data-autofocus
          {...form.getInputProps('name')}
          data-testid="device-form-name"
        />
        {drivers.length > 1 && <KindPicker drivers={drivers} value={form.values.driver} onChange={choose} />}
        {drivers.length === 1 && kind?.simulated && (
          <Text size="sm" c="dimmed">
            {words.addForm.onlySimulated}
          </Text>
        )}
        {kind?.unofficial && (
          <LinkTerms
            kind={kind.name}
            accept={form.getInputProps('accepted', { type: 'checkbox' })}
            onInstead={instead && (() => choose(instead.name))}
          />
        )}
        {kind?.credentials ? (
          <CredentialFields driver={kind.name} form={form} problem={problem} />
        ) : (
          <TextInput
            label={words.fields.phone}
            description={words.fields.phoneHint}
            inputMode="tel"
            autoComplete="off"
            {...form.getInputProps('phone')}
            data-testid="device-form-phone"
          />
        )}
      </Stack>
      <SubmitRow
        label={kind?.credentials ? t.kinds.submit.connect : kind?.pairing_qr ? t.kinds.submit.link : t.kinds.submit.add}
        isBusy={form.submitting}
        onCancel={onCancel}
        data-testid="device-form-submit"
      />
    </form>
  );
}
