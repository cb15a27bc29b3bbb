// Step 1: title, niches, target status, and how many leads that is.
import { Group, Loader, MultiSelect, Radio, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Users } from 'lucide-react';
import { useId, useMemo } from 'react';
import { useWords } from '@/words';
import { useNiches, usePlan } from '../hooks';
import type { Target } from '../types';
import { countBodyOf, type Draft } from './draft';
import { fieldId } from './fieldId';
import type { DraftForm } from './useDraftForm';

export function Basics({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.basics;
  return (
    <Stack>
      <TextInput
        id={fieldId('title')}
        label={t.title}
        description={t.titleHint}
        required
        maxLength={200}
        {...form.getInputProps('title')}
        data-testid="campaigns-basics-title"
      />
      <NicheField form={form} />
      <TargetField form={form} />
      <MatchCount draft={form.values} />
    </Stack>
  );
}

function NicheField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.basics;
  const niches = useNiches();
  const known = niches.data?.niches ?? [];
  const chosen = form.values.niches.filter((name) => !known.some((niche) => niche.name === name));
  const data = [...known.map(({ name, count }) => ({ value: name, label: t.niche(name, count) })), ...chosen.map((name) => ({ value: name, label: name }))];
  return (
    <Radio.Group
      label={t.audience}
      required
      value={form.values.is_for_all ? 'all' : 'chosen'}
      onChange={(value) => form.setFieldValue('is_for_all', value === 'all')}
    >
      <Stack gap="xs" mt={6}>
        <Radio value="all" label={t.everyone} data-testid="campaigns-basics-all" />
        <Radio value="chosen" label={t.chosen} data-testid="campaigns-basics-chosen" />
        {!form.values.is_for_all && (
          <MultiSelect
            id={fieldId('niches')}
            label={t.niches}
            description={t.nichesHint}
            placeholder={form.values.niches.length === 0 ? t.nichesPlaceholder : undefined}
            data={data}
            searchable
            clearable
            hidePickedOptions
            limit={100}
            nothingFoundMessage={t.noNiches}
            {...form.getInputProps('niches')}
            data-testid="campaigns-basics-niches"
          />
        )}
      </Stack>
    </Radio.Group>
  );
}

function TargetField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.basics;
  const id = useId();
  return (
    <Stack gap={6} align="flex-start">
      <Text size="sm" fw={500} id={id}>
        {t.target}
      </Text>
      <SegmentedControl
        aria-labelledby={id}
        data={(['all', 'prospect', 'customer'] as const).map((value) => ({ value, label: t.targets[value] }))}
        value={form.values.target_status}
        onChange={(value) => form.setFieldValue('target_status', value as Target)}
        data-testid="campaigns-basics-target"
      />
    </Stack>
  );
}

/** "1,240 leads on 6 devices match", asked a moment after the last change. */
function MatchCount({ draft }: { draft: Draft }) {
  const t = useWords().campaigns.editor.basics;
  const { is_for_all, niches, target_status } = draft;
  const wanted = useMemo(() => countBodyOf(draft), [is_for_all, niches, target_status]);
  const [body] = useDebouncedValue(wanted, 350);
  const plan = usePlan(body);
  return (
    <Group gap="xs" c="dimmed" role="status" mih={28} data-testid="campaigns-basics-count">
      <Users size={17} aria-hidden />
      <Text size="sm" fw={plan.data === undefined ? undefined : 600} c={plan.data === undefined ? 'dimmed' : undefined}>
        {words()}
      </Text>
      {plan.isFetching && <Loader size={14} aria-hidden />}
    </Group>
  );

  function words(): string {
    if (wanted === null || plan.isError) return t.matchHint;
    if (plan.data === undefined) return t.counting;
    return plan.data.matched === 0 ? t.matchNone : t.match(plan.data.matched, plan.data.devices.length);
  }
}
