// Puts a field of the lead into the text, with words for leads that do not have it.
import { Autocomplete, Button, Group, Popover, Stack, Text, TextInput } from '@mantine/core';
import { Braces } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { useWords } from '@/words';
import type { Lead } from '../types';
import { STANDARD, variable } from '../variables';

interface Props {
  sample: Lead | null;
  onChoose: (text: string) => void;
}

export function VariableMenu({ sample, onChoose }: Props) {
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
        <VariableForm sample={sample} onChoose={choose} />
      </Popover.Dropdown>
    </Popover>
  );
}

function VariableForm({ sample, onChoose }: { sample: Lead | null; onChoose: (name: string, fallback: string) => void }) {
  const t = useWords().campaigns.editor.message;
  const [name, setName] = useState('name');
  const [fallback, setFallback] = useState('');
  // A field may be any column of the leads; the sample's are offered, others can be typed.
  const known = [...new Set([...STANDARD, ...Object.keys(sample?.attributes ?? {}).map((each) => each.toLowerCase())])];
  const isName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name.trim());
  function submit(event: FormEvent) {
    event.preventDefault();
    event.stopPropagation();
    if (isName) onChoose(name.trim(), fallback);
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Text size="sm" fw={600}>
          {t.variableTitle}
        </Text>
        <Autocomplete
          label={t.field}
          data={known}
          value={name}
          onChange={setName}
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
          <Button type="submit" size="xs" disabled={!isName} data-testid="campaigns-variable-insert">
            {t.insert}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
