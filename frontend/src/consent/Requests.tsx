// What a person may ask for: a copy of everything stored about them, and to be erased.
import { Alert, Button, Card, Group, List, Modal, Skeleton, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDebouncedCallback } from '@mantine/hooks';
import { Download, Trash2, UserSearch } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { EmptyState } from '@/parts/EmptyState';
import { phone } from '@/parts/format';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useErase, useFindPersons } from './personHooks';
import { PersonPanel } from './PersonPanel';
import type { FoundPerson } from './types';

export function Requests() {
  const t = useWords().consent.requests;
  const isOwner = useMay('owner');
  const [text, setText] = useState('');
  const [q, setQ] = useState('');
  const look = useDebouncedCallback(setQ, 300);
  const found = useFindPersons(q);
  const [shown, setShown] = useState<string | null>(null);
  const [erasing, setErasing] = useState<FoundPerson | null>(null);
  return (
    <Stack maw={760}>
      <Text c="dimmed" size="sm">
        {t.lead}
      </Text>
      {!isOwner && <Alert color="gray">{t.ownersOnly}</Alert>}
      <TextInput
        type="search"
        label={t.find}
        placeholder={t.findHint}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          look(event.currentTarget.value);
        }}
        data-page-search
        data-testid="requests-search"
      />
      {found.isError && <FailedLoad problem={found.error} onRetry={() => void found.refetch()} />}
      {found.isFetching && found.data === undefined && <Skeleton height={80} />}
      {found.data?.items.length === 0 && <EmptyState icon={UserSearch} words={t.nobody} hint={t.nobodyHint} />}
      {found.data?.items.map((person) => (
        <Card key={person.id} withBorder padding="md" data-testid="requests-person">
          <Group justify="space-between">
            <div>
              <Text fw={600}>{person.name || t.noName}</Text>
              <Text size="sm">{phone(person.phone)}</Text>
            </div>
            <Group gap="xs">
              <Button variant="subtle" onClick={() => setShown(shown === person.id ? null : person.id)} aria-expanded={shown === person.id} data-testid="requests-look">
                {t.look}
              </Button>
              {isOwner && (
                <Button component="a" href={`/api/persons/${person.id}/export`} download variant="default" leftSection={<Download size={16} aria-hidden />} data-testid="requests-copy">
                  {t.copy}
                </Button>
              )}
              {isOwner && (
                <Button color="red" variant="light" leftSection={<Trash2 size={16} aria-hidden />} onClick={() => setErasing(person)} data-testid="requests-erase">
                  {t.erase}
                </Button>
              )}
            </Group>
          </Group>
          {shown === person.id && (
            <div style={{ marginTop: 16 }}>
              <PersonPanel personId={person.id} />
            </div>
          )}
        </Card>
      ))}
      {erasing && <Erase person={erasing} onClose={() => setErasing(null)} />}
    </Stack>
  );
}

function Erase({ person, onClose }: { person: FoundPerson; onClose: () => void }) {
  const all = useWords();
  const t = all.consent.requests;
  const erase = useErase();
  const form = useForm({ initialValues: { reason: '', typed: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ reason }) => {
    try {
      await erase.mutateAsync({ id: person.id, reason });
      tell(t.erasing);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={t.eraseTitle(person.name || phone(person.phone))} closeButtonProps={{ 'aria-label': all.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <div>
            <Text size="sm" fw={600}>
              {t.goes}
            </Text>
            <List size="sm">
              {t.goesList.map((each) => (
                <List.Item key={each}>{each}</List.Item>
              ))}
            </List>
          </div>
          <div>
            <Text size="sm" fw={600}>
              {t.stays}
            </Text>
            <List size="sm">
              {t.staysList.map((each) => (
                <List.Item key={each}>{each}</List.Item>
              ))}
            </List>
          </div>
          <Textarea label={t.reason} description={t.reasonHint} required maxLength={500} autosize minRows={2} data-autofocus {...form.getInputProps('reason')} data-testid="erase-reason" />
          <TextInput label={t.type(t.word)} required autoComplete="off" {...form.getInputProps('typed')} data-testid="erase-typed" />
        </Stack>
        <SubmitRow
          label={t.eraseAct}
          isBusy={erase.isPending}
          disabled={form.values.typed.trim().toLowerCase() !== t.word || form.values.reason.trim().length < 3}
          onCancel={onClose}
          data-testid="erase-submit"
        />
      </form>
    </Modal>
  );
}
