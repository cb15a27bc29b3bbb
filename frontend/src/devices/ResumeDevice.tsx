// A device that a rule paused, or that was restricted, sends again by a person's reason.
import { Alert, Modal, Skeleton, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { Device } from '@/api/types';
import { useFormat } from '@/parts/format';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useDeviceHealth, useResume } from './hooks';

export function ResumeDevice({ device, onClose }: { device: Device; onClose: () => void }) {
  const all = useWords();
  const t = all.devices.resume;
  const format = useFormat();
  const health = useDeviceHealth(device.id);
  const resume = useResume();
  const form = useForm({ initialValues: { reason: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ reason }) => {
    try {
      await resume.mutateAsync({ id: device.id, reason: reason.trim() || undefined });
      tell(all.devices.told.resumed);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  const restsUntil = health.data?.resume_after ?? null;
  const rests = restsUntil !== null && Date.parse(restsUntil) > Date.now();
  return (
    <Modal opened onClose={onClose} title={t.title(device.name)} closeButtonProps={{ 'aria-label': all.parts.close }} data-testid="device-resume-dialog">
      {health.data === undefined ? (
        <Skeleton height={80} />
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
            {health.data.pause_words !== null && <Text size="sm">{health.data.pause_words}</Text>}
            {rests && restsUntil !== null && <Alert color="yellow">{t.rests(format.moment(restsUntil))}</Alert>}
            <Textarea
              label={t.reason}
              description={t.reasonHint}
              required={health.data.needs_reason}
              maxLength={500}
              autosize
              minRows={2}
              data-autofocus
              {...form.getInputProps('reason')}
              data-testid="device-resume-reason"
            />
          </Stack>
          <SubmitRow label={t.act} isBusy={resume.isPending} disabled={rests} onCancel={onClose} data-testid="device-resume-submit" />
        </form>
      )}
    </Modal>
  );
}
