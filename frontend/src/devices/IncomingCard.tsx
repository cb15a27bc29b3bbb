// A simulated person writes to this device: a word to stop, a question, or from a hidden number.
import { Button, Checkbox, Group, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { Device } from '@/api/types';
import { ProblemSummary } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useSimulate } from './hooks';

export function IncomingCard({ device }: { device: Device }) {
  const t = useWords().devices.incoming;
  const simulate = useSimulate(device.id);
  const form = useForm({ initialValues: { phone: '', text: 'STOP', isHidden: false } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ phone, text, isHidden }) => {
    problem.clear();
    const opaque = isHidden ? `${phone.replace(/\D/g, '').split('').reverse().join('') || '900100200300400'}@lid` : undefined;
    try {
      await simulate.mutateAsync({ action: 'inbound', phone: phone.trim() || null, text, opaque, identity: isHidden ? 'never' : undefined });
      tell(t.done);
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Section title={t.title} hint={t.hint}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <TextInput label={t.from} description={t.fromHint} inputMode="tel" {...form.getInputProps('phone')} data-testid="simulator-inbound-phone" />
          <Select label={t.sample} data={t.samples} value={null} placeholder={t.samplePlaceholder} onChange={(text) => text !== null && form.setFieldValue('text', String(text))} />
          <Textarea label={t.text} required autosize minRows={2} maxLength={4096} dir="auto" {...form.getInputProps('text')} data-testid="simulator-inbound-text" />
          <Checkbox label={t.hidden} description={t.hiddenHint} {...form.getInputProps('isHidden', { type: 'checkbox' })} data-testid="simulator-inbound-hidden" />
          <Group justify="flex-end">
            <Button type="submit" variant="default" loading={simulate.isPending} disabled={device.state !== 'online' && device.state !== 'restricted'} data-testid="simulator-inbound">
              {t.act}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
