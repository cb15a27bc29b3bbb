// One text to one number.
import { Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { Device } from '@/api/types';
import { ProblemSummary } from '@/parts/ProblemNote';
import { RefusedSend, isRefused } from './RefusedSend';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useSendText } from './hooks';

export const LONGEST_TEXT = 4096;

export function SendText({ device }: { device: Device }) {
  const t = useWords().devices.actions;
  const send = useSendText();
  const form = useForm({
    initialValues: { phone: '', message: '' },
    validate: {
      phone: (value) => (value.trim() === '' ? t.checks.phoneMissing : null),
      message: (value) => (value.trim() === '' ? t.checks.messageMissing : value.length > LONGEST_TEXT ? t.checks.messageLong : null),
    },
  });
  const problem = useFormProblem(form);

  async function submit(values: typeof form.values, knowingly = false) {
    problem.clear();
    try {
      await send.mutateAsync({ device_id: device.id, phone: values.phone.trim(), message: values.message, confirm_opted_out: knowingly });
      tell(t.accepted);
      form.setFieldValue('message', '');
    } catch (error) {
      problem.show(error);
    }
  }

  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack>
        {isRefused(problem.problem) ? (
          <RefusedSend problem={problem.problem} isBusy={send.isPending} onAnyway={() => void submit(form.getValues(), true)} />
        ) : (
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        )}
        <TextInput label={t.phone} description={t.phoneHint} inputMode="tel" autoComplete="off" {...form.getInputProps('phone')} data-testid="send-text-phone" />
        <Textarea label={t.message} autosize minRows={3} maxRows={10} {...form.getInputProps('message')} data-testid="send-text-message" />
        <Text size="xs" c="dimmed">
          {t.characters(form.values.message.length)}
        </Text>
      </Stack>
      <SubmitRow label={t.send} isBusy={send.isPending} data-testid="send-text-submit" />
    </form>
  );
}
