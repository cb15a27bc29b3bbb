// Making a key, then showing it this once with a command to try.
import { Alert, Button, Checkbox, Code, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Info } from 'lucide-react';
import { CopyButton } from '@/parts/CopyButton';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { useFormProblem } from '@/parts/useFormProblem';
import { useMe } from '@/accounts/hooks';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { useMakeApiKey } from './hooks';
import { ADMIN_SCOPES, curlExample, groupsOf, SCOPES } from './scopes';

export function NewApiKey({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const words = t.settings.keys;
  const isPhone = useIsPhone();
  const make = useMakeApiKey();
  const isMade = make.data !== undefined;
  return (
    <Modal
      opened
      onClose={onClose}
      title={isMade ? words.madeTitle : words.new}
      size="lg"
      fullScreen={isPhone}
      closeOnClickOutside={!isMade}
      closeOnEscape={!isMade}
      closeButtonProps={{ 'aria-label': t.parts.close }}
    >
      {make.data === undefined ? <Form make={make} onCancel={onClose} /> : <Made secret={make.data.key} onClose={onClose} />}
    </Modal>
  );
}

function Form({ make, onCancel }: { make: ReturnType<typeof useMakeApiKey>; onCancel: () => void }) {
  const t = useWords().settings.keys;
  const form = useForm({
    initialValues: { name: '', scopes: [] as string[], expires: '' },
    validate: {
      name: (value) => (value.trim() === '' ? t.nameMissing : null),
      scopes: (value) => (value.length === 0 ? t.scopesMissing : null),
    },
  });
  const problem = useFormProblem(form, { expires_at: 'expires' });
  const isAdmin = useMe().user.is_admin;
  async function submit(values: typeof form.values) {
    problem.clear();
    const ends = values.expires === '' ? null : new Date(`${values.expires}T23:59:59`).toISOString();
    try {
      await make.mutateAsync({ name: values.name.trim(), scopes: values.scopes, expires_at: ends });
    } catch (error) {
      problem.show(error);
    }
  }
  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack>
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        <TextInput label={t.name} description={t.nameHint} maxLength={100} data-autofocus {...form.getInputProps('name')} data-testid="keys-name" />
        <Checkbox.Group label={t.scopes} {...form.getInputProps('scopes')}>
          <SimpleGrid cols={{ base: 1, sm: 2 }} mt="xs" spacing="md">
            {groupsOf(isAdmin ? [...SCOPES, ...ADMIN_SCOPES] : SCOPES).map(([group, scopes]) => (
              <Stack key={group} gap={6}>
                <Text size="sm" fw={600}>
                  {t.groups[group] ?? group}
                </Text>
                {scopes.map((scope) => (
                  <Checkbox key={scope} value={scope} label={scope} description={t.scopeWords[scope]} data-testid={`keys-scope-${scope.replace(':', '-')}`} />
                ))}
              </Stack>
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <TextInput type="date" label={t.expires} description={t.expiresHint} maw={260} {...form.getInputProps('expires')} />
      </Stack>
      <SubmitRow label={t.make} isBusy={make.isPending} onCancel={onCancel} data-testid="keys-make" />
    </form>
  );
}

function Made({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useWords().settings.keys;
  const command = curlExample(window.location.origin, secret);
  return (
    <Stack>
      <Alert color="tide" variant="light" icon={<Info aria-hidden />}>
        {t.madeWords}
      </Alert>
      <Code block fz="md" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} data-testid="keys-secret">
        {secret}
      </Code>
      <Group>
        <CopyButton value={secret} label={t.copyKey} withText data-testid="keys-copy" />
      </Group>
      <Text size="sm">{t.tryIt}</Text>
      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {command}
      </Code>
      <Group justify="space-between">
        <CopyButton value={command} label={t.copyCommand} withText />
        <Button onClick={onClose} data-testid="keys-stored">
          {t.stored}
        </Button>
      </Group>
    </Stack>
  );
}
