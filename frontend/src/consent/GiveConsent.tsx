// Record that somebody agreed: in which words, how and when. A row of the ledger is never rewritten.
import { Modal, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useGiveConsent } from './personHooks';

export const givenSources = ['web_form', 'paper', 'inbound', 'api'] as const;

export function GiveConsent({ personId, onClose }: { personId?: string; onClose: () => void }) {
  const t = useWords();
  const words = t.consent.ledger;
  const give = useGiveConsent();
  const form = useForm({
    initialValues: { phone: '', wording: '', source: 'paper' as (typeof givenSources)[number], given: '', purpose: 'marketing' as 'marketing' | 'service' },
  });
  const problem = useFormProblem(form, { given_at: 'given' });
  const submit = form.onSubmit(async ({ phone, wording, source, given, purpose }) => {
    const whom = personId === undefined ? { phone } : { person_id: personId };
    try {
      await give.mutateAsync({ ...whom, wording, source, purpose, given_at: given === '' ? null : new Date(`${given}T12:00`).toISOString() });
      tell(words.recorded);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.record} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{words.recordWords}</Text>
          {personId === undefined && <TextInput label={t.consent.optOuts.phone} description={t.consent.optOuts.phoneHint} required inputMode="tel" {...form.getInputProps('phone')} data-testid="consent-phone" />}
          <Textarea label={words.wording} description={words.wordingHint} required autosize minRows={2} maxLength={4000} data-autofocus {...form.getInputProps('wording')} data-testid="consent-wording" />
          <Select
            label={words.purpose}
            data={(['marketing', 'service'] as const).map((value) => ({ value, label: words.purposes[value] ?? value }))}
            allowDeselect={false}
            {...form.getInputProps('purpose')}
          />
          <Select
            label={words.how}
            data={givenSources.map((value) => ({ value, label: words.sources[value] ?? value }))}
            allowDeselect={false}
            {...form.getInputProps('source')}
            data-testid="consent-source"
          />
          <TextInput type="date" label={words.when} description={words.whenHint} max={new Date().toISOString().slice(0, 10)} {...form.getInputProps('given')} />
        </Stack>
        <SubmitRow label={words.act} isBusy={give.isPending} onCancel={onClose} data-testid="consent-submit" />
      </form>
    </Modal>
  );
}
