// A person settles an unconfirmed message: it arrived, it did not, or send again with the warning that it may be a double.
import { Alert, Checkbox, Modal, Radio, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { TriangleAlert } from 'lucide-react';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useResolve, type Outcome } from './hooks';
import type { Message } from './types';

export function ResolveDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const t = useWords();
  const words = t.campaigns.resolve;
  const resolve = useResolve();
  const form = useForm({ initialValues: { outcome: 'arrived' as Outcome, reason: '', isSure: false } });
  const problem = useFormProblem(form);
  const isAgain = form.values.outcome === 'send_again';
  const submit = form.onSubmit(async ({ outcome, reason }) => {
    try {
      await resolve.mutateAsync({ id: message.id, outcome, reason });
      tell(words.done);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.title} closeButtonProps={{ 'aria-label': t.parts.close }} data-testid="campaigns-resolve-dialog">
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{words.words(message.name || message.phone)}</Text>
          <Radio.Group label={words.outcome} {...form.getInputProps('outcome')}>
            <Stack gap="xs" mt="xs">
              <Radio value="arrived" label={words.arrived} description={words.arrivedHint} data-autofocus data-testid="campaigns-resolve-arrived" />
              <Radio value="not_arrived" label={words.notArrived} description={words.notArrivedHint} data-testid="campaigns-resolve-not" />
              <Radio value="send_again" label={words.again} description={words.againHint} data-testid="campaigns-resolve-again" />
            </Stack>
          </Radio.Group>
          {isAgain && (
            <Alert color="orange" variant="light" icon={<TriangleAlert aria-hidden />} role="alert">
              <Stack gap="xs">
                <Text size="sm">{words.warning}</Text>
                <Checkbox label={words.sure} {...form.getInputProps('isSure', { type: 'checkbox' })} data-testid="campaigns-resolve-sure" />
              </Stack>
            </Alert>
          )}
          <Textarea
            label={words.reason}
            description={words.reasonHint}
            required
            maxLength={500}
            autosize
            minRows={2}
            {...form.getInputProps('reason')}
            data-testid="campaigns-resolve-reason"
          />
        </Stack>
        <SubmitRow
          label={isAgain ? words.actAgain : words.act}
          isBusy={resolve.isPending}
          disabled={isAgain && !form.values.isSure}
          onCancel={onClose}
          data-testid="campaigns-resolve-submit"
        />
      </form>
    </Modal>
  );
}
