// Sends the message as the preview shows it to one number.
import { Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDevices } from '@/devices/hooks';
import type { StoredFile } from '@/parts/files';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useSendTest } from '../hooks';
import type { Lead } from '../types';
import { textFor } from '../variables';

interface Props {
  message: string;
  file: StoredFile | null;
  sample: Lead | null;
  onClose: () => void;
}

export function TestDialog({ message, file, sample, onClose }: Props) {
  const t = useWords();
  const words = t.campaigns.editor.message;
  const devices = useDevices();
  const send = useSendTest();
  const linked = (devices.data ?? []).filter((device) => device.jid !== null);
  const form = useForm({ initialValues: { phone: '', device_id: '' } });
  const problem = useFormProblem(form);
  const device_id = form.values.device_id || (linked.find((device) => device.state === 'online') ?? linked[0])?.id || '';
  const submit = form.onSubmit(async ({ phone }) => {
    try {
      await send.mutateAsync({ phone, device_id, text: textFor(message, sample), media_id: file?.media_id ?? null });
      tell(words.testDone);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.testTitle} closeButtonProps={{ 'aria-label': t.parts.close }} data-testid="campaigns-test-dialog">
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{words.testWords(sample?.name ?? null)}</Text>
          <TextInput
            label={words.testPhone}
            description={words.testPhoneHint}
            required
            inputMode="tel"
            data-autofocus
            {...form.getInputProps('phone')}
            data-testid="campaigns-test-phone"
          />
          <Select
            label={words.testDevice}
            data={linked.map((device) => ({ value: device.id, label: device.name }))}
            placeholder={linked.length === 0 ? words.testNoDevice : undefined}
            {...form.getInputProps('device_id')}
            value={device_id || null}
            allowDeselect={false}
            required
            data-testid="campaigns-test-device"
          />
        </Stack>
        <SubmitRow label={words.testSend} isBusy={send.isPending} disabled={device_id === ''} onCancel={onClose} data-testid="campaigns-test-send" />
      </form>
    </Modal>
  );
}
