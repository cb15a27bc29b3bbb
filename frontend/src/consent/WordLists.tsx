// The words people stop and start with, per language; a box to try a message; adding a word of one's own.
import { Alert, Badge, Button, Card, Group, Pill, SegmentedControl, Select, Skeleton, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useAddKeyword, useKeywords, useTryMessage } from './wordHooks';

export function WordLists() {
  const t = useWords().consent.words;
  const keywords = useKeywords();
  const isOwner = useMay('owner');
  if (keywords.isError) return <FailedLoad problem={keywords.error} onRetry={() => void keywords.refetch()} />;
  if (keywords.data === undefined) return <Skeleton height={320} radius="lg" />;
  const { languages, own, version } = keywords.data;
  return (
    <Stack gap="lg">
      <Text c="dimmed" size="sm" maw={680}>
        {t.lead}
      </Text>
      <TryBox />
      {isOwner && <AddWord languages={languages.map((each) => ({ value: each.code, label: each.name }))} />}
      {own.length > 0 && (
        <Card component="section" aria-label={t.own}>
          <Title order={2} size="h3" mb="sm">
            {t.own}
          </Title>
          <Pill.Group>
            {own.map((word) => (
              <Pill key={word.id} size="md">
                {t.ownWord(word.word, t.languages[word.language] ?? word.language, t.kinds[word.kind])}
              </Pill>
            ))}
          </Pill.Group>
        </Card>
      )}
      <Card component="section" aria-label={t.ours}>
        <Group justify="space-between" mb="sm">
          <Title order={2} size="h3">
            {t.ours}
          </Title>
          <Text size="sm" c="dimmed">
            {t.version(version)}
          </Text>
        </Group>
        <Stack gap="md">
          {languages.map((each) => (
            <div key={each.code}>
              <Text size="sm" fw={600}>
                {each.name}
              </Text>
              {(['stop', 'start'] as const).map((kind) => (
                <Group key={kind} gap={6} mt={6} align="center">
                  <Text size="sm" w={52}>
                    {t.kinds[kind]}
                  </Text>
                  {each[kind].words.map((word) => (
                    <Pill key={word} lang={each.code} dir="auto">
                      {word}
                    </Pill>
                  ))}
                  {!each[kind].verified && (
                    <Badge variant="default" tt="none">
                      {t.unverified}
                    </Badge>
                  )}
                </Group>
              ))}
            </div>
          ))}
        </Stack>
      </Card>
    </Stack>
  );
}

function TryBox() {
  const t = useWords().consent.words;
  const [text, setText] = useState('');
  const attempt = useTryMessage();
  const [run, isBusy] = useAction();
  const found = attempt.data;
  return (
    <Card component="section" aria-label={t.tryTitle}>
      <Title order={2} size="h3" mb="sm">
        {t.tryTitle}
      </Title>
      <Textarea label={t.tryLabel} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={2} maxLength={4096} dir="auto" data-testid="words-try" />
      <Group mt="sm" justify="space-between" align="flex-start">
        <div aria-live="polite" style={{ flex: '1 1 240px' }}>
          {found !== undefined && (
            <Alert color={found.meaning === 'stop' ? 'red' : found.meaning === 'none' ? 'gray' : 'yellow'} p="sm" data-testid="words-meaning" data-meaning={found.meaning}>
              {t.meanings[found.meaning]} {found.word !== null && t.because(found.word)}
            </Alert>
          )}
        </div>
        <Button onClick={() => void run(() => attempt.mutateAsync(text))} loading={isBusy} disabled={text.trim() === ''} data-testid="words-try-submit">
          {t.tryAct}
        </Button>
      </Group>
    </Card>
  );
}

function AddWord({ languages }: { languages: { value: string; label: string }[] }) {
  const t = useWords().consent.words;
  const add = useAddKeyword();
  const form = useForm({ initialValues: { word: '', language: 'en', kind: 'stop' as 'stop' | 'start' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async (values) => {
    problem.clear();
    try {
      await add.mutateAsync(values);
      tell(t.added);
      form.reset();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Card component="section" aria-label={t.addTitle}>
      <Title order={2} size="h3" mb={4}>
        {t.addTitle}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {t.addWords}
      </Text>
      <form onSubmit={submit}>
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        <Group align="flex-end" gap="sm">
          <TextInput label={t.word} required maxLength={200} {...form.getInputProps('word')} data-testid="words-word" style={{ flex: '1 1 180px' }} />
          <Select label={t.language} data={languages} allowDeselect={false} searchable {...form.getInputProps('language')} w={170} />
          <SegmentedControl
            aria-label={t.kind}
            data={[
              { value: 'stop', label: t.kinds.stop ?? 'stop' },
              { value: 'start', label: t.kinds.start ?? 'start' },
            ]}
            {...form.getInputProps('kind')}
          />
          <Button type="submit" loading={add.isPending} data-testid="words-add">
            {t.add}
          </Button>
        </Group>
      </form>
    </Card>
  );
}
