// A campaign that the rules paused goes on by a person's reason, once its rest is over.
import { Alert, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useFormat } from '@/parts/format';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useResume } from './hooks';
import type { Campaign } from './types';

export function ResumeDialog({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const t = useWords();
  const words = t.campaigns.resume;
  const format = useFormat();
  const resume = useResume();
  const form = useForm({ initialValues: { reason: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ reason }) => {
    try {
      await resume.mutateAsync({ id: campaign.id, reason });
      tell(t.campaigns.done.resumed);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  const rests = Boolean(campaign.resume_after && Date.parse(campaign.resume_after) > Date.now());
  return (
    <Modal opened onClose={onClose} title={words.title(campaign.title)} closeButtonProps={{ 'aria-label': t.parts.close }} data-testid="campaigns-resume-dialog">
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          {campaign.pause_cause && <Text size="sm">{campaign.pause_cause.words}</Text>}
          {rests && campaign.resume_after && <Alert color="yellow">{words.rests(format.moment(campaign.resume_after))}</Alert>}
          <Textarea label={words.reason} description={words.reasonHint} required maxLength={500} autosize minRows={2} data-autofocus {...form.getInputProps('reason')} data-testid="campaigns-resume-reason" />
        </Stack>
        <SubmitRow label={words.act} isBusy={resume.isPending} disabled={rests} onCancel={onClose} data-testid="campaigns-resume-submit" />
      </form>
    </Modal>
  );
}
