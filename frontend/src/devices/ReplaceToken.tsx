// Another token for a device that has credentials: tried at WhatsApp first, then kept instead of the old one.
import { Modal, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { Device } from '@/api/types';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { CredentialFields, credentialsOf } from './CredentialFields';
import { useReplaceCredentials } from './kindHooks';

export function ReplaceToken({ device, onClose }: { device: Device; onClose: () => void }) {
  const t = useWords();
  const words = t.kinds.replace;
  const isPhone = useIsPhone();
  const replace = useReplaceCredentials(device.id);
  const form = useForm({
    initialValues: { number_id: device.number?.number_id ?? '', token: '', business_id: device.number?.business_id ?? '' },
    validate: {
      number_id: (value) => (value.trim() === '' ? t.kinds.cloud.checks.numberId : null),
      token: (value) => (value.trim() === '' ? t.kinds.cloud.checks.token : null),
    },
  });
  const problem = useFormProblem(form);

  async function send(values: typeof form.values) {
    problem.clear();
    form.setSubmitting(true);
    try {
      await replace.mutateAsync(credentialsOf(values));
      tell(words.done);
      onClose();
    } catch (error) {
      problem.show(error);
    } finally {
      form.setSubmitting(false);
    }
  }

  return (
    <Modal
      opened
      onClose={onClose}
      title={device.is_linked ? words.title(device.name) : words.titleNew(device.name)}
      size="lg"
      fullScreen={isPhone}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="replace-token"
    >
      <form onSubmit={form.onSubmit((values) => void send(values), (errors) => form.getInputNode(Object.keys(errors)[0] as 'token')?.focus())} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">
            {words.lead} {device.number && words.keepIds}
          </Text>
          <CredentialFields driver={device.driver} form={form} problem={problem} />
        </Stack>
        <SubmitRow
          label={device.is_linked ? words.submit : words.submitNew}
          isBusy={form.submitting}
          onCancel={onClose}
          data-testid="replace-token-submit"
        />
      </form>
    </Modal>
  );
}
