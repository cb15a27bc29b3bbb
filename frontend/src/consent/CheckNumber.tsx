// Has this number opted out? Asked by its keyed hash, so it is found even when the person was erased.
import { Alert, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { CircleCheck, HandMetal } from 'lucide-react';
import { phone as grouped } from '@/parts/format';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useCheck } from './hooks';

export function CheckNumber({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const words = t.consent.optOuts;
  const check = useCheck();
  const form = useForm({ initialValues: { phone: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ phone }) => {
    problem.clear();
    try {
      await check.mutateAsync(phone);
    } catch (error) {
      problem.show(error);
    }
  });
  const found = check.data;
  return (
    <Modal opened onClose={onClose} title={words.checkTitle} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <TextInput label={words.phone} description={words.phoneHint} required inputMode="tel" data-autofocus {...form.getInputProps('phone')} data-testid="check-phone" />
          <div aria-live="polite">
            {found !== undefined && !check.isError && (
              <Alert
                color={found.opted_out ? 'red' : 'green'}
                icon={found.opted_out ? <HandMetal aria-hidden /> : <CircleCheck aria-hidden />}
                title={grouped(found.phone)}
                data-testid="check-answer"
              >
                {found.opted_out ? words.isOut(found.reasons.map((reason) => words.reasons[reason] ?? reason).join(', ')) : words.isIn}
              </Alert>
            )}
          </div>
        </Stack>
        <SubmitRow label={words.checkAct} isBusy={check.isPending} onCancel={onClose} data-testid="check-submit" />
      </form>
    </Modal>
  );
}
