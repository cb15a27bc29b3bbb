// Release an opt-out: with a reason and the proof of a fresh consent; it stays in the history.
import { Alert, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { TriangleAlert } from 'lucide-react';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useReleaseOptOut } from './hooks';
import type { OptOut } from './types';

export function ReleaseOptOut({ optOut, onClose }: { optOut: OptOut; onClose: () => void }) {
  const t = useWords();
  const words = t.consent.optOuts;
  const release = useReleaseOptOut();
  const form = useForm({ initialValues: { reason: '', evidence: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ reason, evidence }) => {
    try {
      await release.mutateAsync({ id: optOut.id, reason, evidence });
      tell(words.releasedToast);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.releaseTitle(optOut.name || words.unknownNumber)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Alert color="orange" variant="light" icon={<TriangleAlert aria-hidden />}>
            <Text size="sm">{words.releaseWords}</Text>
          </Alert>
          <Textarea label={words.releaseReason} required maxLength={500} autosize minRows={2} data-autofocus {...form.getInputProps('reason')} data-testid="release-reason" />
          <Textarea
            label={words.evidence}
            description={words.evidenceHint}
            required
            maxLength={1000}
            autosize
            minRows={2}
            {...form.getInputProps('evidence')}
            data-testid="release-evidence"
          />
        </Stack>
        <SubmitRow label={words.releaseAct} isBusy={release.isPending} onCancel={onClose} data-testid="release-submit" />
      </form>
    </Modal>
  );
}
