// Opt somebody out by number: in force at once, on every device, campaign and sequence.
import { Modal, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useOptOut } from './hooks';

type Reason = 'manual' | 'complaint' | 'legal';

export function AddOptOut({ onClose, person }: { onClose: () => void; person?: { id: string; name: string } }) {
  const t = useWords();
  const words = t.consent.optOuts;
  const add = useOptOut();
  const form = useForm({ initialValues: { phone: '', reason: 'manual' as Reason, note: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ phone, reason, note }) => {
    const whom = person === undefined ? { phone } : { person_id: person.id };
    try {
      await add.mutateAsync({ ...whom, reason, note: note.trim() || null });
      tell(words.added);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={person === undefined ? words.addTitle : words.addPerson(person.name)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{words.addWords}</Text>
          {person === undefined && (
            <TextInput label={words.phone} description={words.phoneHint} required inputMode="tel" data-autofocus {...form.getInputProps('phone')} data-testid="opt-out-phone" />
          )}
          <Radio.Group label={words.reason} {...form.getInputProps('reason')}>
            <Stack gap="xs" mt="xs">
              {(['manual', 'complaint', 'legal'] as const).map((value) => (
                <Radio key={value} value={value} label={words.reasons[value]} description={words.reasonHints[value]} />
              ))}
            </Stack>
          </Radio.Group>
          <Textarea label={words.note} description={words.noteHint} maxLength={500} autosize minRows={2} {...form.getInputProps('note')} data-testid="opt-out-note" />
        </Stack>
        <SubmitRow label={words.addAct} isBusy={add.isPending} onCancel={onClose} data-testid="opt-out-submit" />
      </form>
    </Modal>
  );
}
