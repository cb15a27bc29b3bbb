// What holds for everyone in the workspace.
import { Skeleton, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { CountrySelect } from '@/accounts/CountrySelect';
import { ZoneSelect } from '@/accounts/ZoneSelect';
import type { Settings } from '@/api/types';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useSaveSettings, useSettings } from './hooks';

export function Workspace() {
  const t = useWords().settings.workspace;
  const settings = useSettings();
  if (settings.isError) return <FailedLoad problem={settings.error} onRetry={() => void settings.refetch()} />;
  return (
    <Section title={t.title} hint={t.hint}>
      {settings.data ? <Form settings={settings.data} /> : <Skeleton height={220} />}
    </Section>
  );
}

function Form({ settings }: { settings: Settings }) {
  const t = useWords().settings.workspace;
  const save = useSaveSettings();
  const form = useForm({
    initialValues: { name: settings.name, time_zone: settings.time_zone, default_country: settings.default_country },
    validate: { name: (value) => (value.trim() === '' ? t.nameMissing : null) },
  });
  const problem = useFormProblem(form);
  async function submit(values: typeof form.values) {
    problem.clear();
    try {
      await save.mutateAsync(values);
      tell(t.saved);
    } catch (error) {
      problem.show(error);
    }
  }
  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack>
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        <TextInput label={t.name} maxLength={100} {...form.getInputProps('name')} data-testid="workspace-name" />
        <ZoneSelect {...form.getInputProps('time_zone')} data-testid="workspace-zone" />
        <CountrySelect description={t.countryHint} {...form.getInputProps('default_country')} data-testid="workspace-country" />
      </Stack>
      <SubmitRow label={t.save} isBusy={save.isPending} data-testid="workspace-save" />
    </form>
  );
}
