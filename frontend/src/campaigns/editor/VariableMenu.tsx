// Puts a field of the lead into the text, with words for leads that do not have it.
import { Button, Group, Popover, Select, Stack, Text, TextInput } from '@mantine/core';
import { Braces } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { useWords } from '@/words';
import { useSamples } from '../hooks';
import { STANDARD, variable } from '../variables';

export function VariableMenu({ onChoose }: { onChoose: (text: string) => void }) {
  const t = useWords().campaigns.editor.message;
  const [isOpen, setOpen] = useState(false);
  function choose(name: string, fallback: string) {
    setOpen(false);
    onChoose(variable(name, fallback));
  }
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus returnFocus position="bottom-end" shadow="sm" width={280} withRoles>
      <Popover.Target>
        <Button
          size="compact-sm"
          variant="subtle"
          color="gray"
          leftSection={<Braces size={15} aria-hidden />}
          onClick={() => setOpen(!isOpen)}
          aria-expanded={isOpen}
          data-testid="campaigns-message-variable"
        >
          {t.variable}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t.variableTitle}>
        <VariableForm onChoose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}

function VariableForm({ onChoose }: { onChoose: (name: string, fallback: string) => void }) {
  const t = useWords().campaigns.editor.message;
  const [name, setName] = useState('name');
  const [fallback, setFallback] = useState('');
  const known = useFields();
  function submit(event: FormEvent) {
    event.preventDefault();
    event.stopPropagation();
    onChoose(name, fallback);
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Text size="sm" fw={600}>
          {t.variableTitle}
        </Text>
        <Select
          label={t.field}
          data={known}
          value={name}
          onChange={(next) => setName(next ?? 'name')}
          allowDeselect={false}
          data-autofocus
          comboboxProps={{ withinPortal: false }}
          data-testid="campaigns-variable-field"
        />
        <TextInput
          label={t.fallback}
          description={t.fallbackHint}
          value={fallback}
          onChange={(event) => setFallback(event.currentTarget.value)}
          data-testid="campaigns-variable-default"
        />
        <Group justify="flex-end">
          <Button type="submit" size="xs" data-testid="campaigns-variable-insert">
            {t.insert}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The fields every lead has, and extra ones that the newest leads have; others can be typed into the text. */
function useFields(): string[] {
  const samples = useSamples({});
  const own = (samples.data?.items ?? []).flatMap((lead) => Object.keys(lead.attributes).map((name) => name.toLowerCase()));
  return [...new Set([...STANDARD, ...own.filter((name) => /^[a-z_][a-z0-9_]{0,63}$/.test(name))])];
}
