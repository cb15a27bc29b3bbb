// Step 2: which column goes to which field, for which device, and what happens to people who are there already.
import { Alert, Button, Card, Group, Radio, Select, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { Info } from 'lucide-react';
import { useRef, useState } from 'react';
import { CountrySelect } from '@/accounts/CountrySelect';
import type { Problem } from '@/api/problem';
import { DeclareConsent, isWhole, type Declaration } from '@/consent/DeclareConsent';
import { useDevices } from '@/devices/hooks';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useIsPhone } from '@/parts/usePhone';
import { useWords, type Words } from '@/words';
import { StepHead } from './Steps';
import { attributeOf, EXTRA, mappingProblem, readsStatus } from './mapping';
import type { Mapping, OnDuplicate, Preview } from './types';

export interface Choices {
  deviceId: string | null;
  mapping: Mapping;
  onDuplicate: OnDuplicate;
  country: string | null;
  /** Null: not declared now. */
  consent: Declaration | null;
}

interface Props {
  preview: Preview;
  choices: Choices;
  onChange: (changes: Partial<Choices>) => void;
  problem: Problem | null;
  onBack: () => void;
  onNext: () => void;
}

const NOTHING = '-';

export function ColumnsStep({ preview, choices, onChange, problem, onBack, onNext }: Props) {
  const t = useWords();
  const words = t.leads.imports.columns;
  const { data: devices = [] } = useDevices();
  const wrong = mappingProblem(choices.mapping);
  const [isTried, setTried] = useState(false);
  const deviceField = useRef<HTMLInputElement>(null);

  function next() {
    setTried(true);
    if (choices.deviceId === null) deviceField.current?.focus();
    else if (isWhole(choices.consent)) onNext();
  }

  return (
    <Stack>
      <StepHead title={words.title} />
      <ProblemSummary problem={problem} rest={problem?.fields} />
      <Columns preview={preview} mapping={choices.mapping} onMap={(mapping) => onChange({ mapping })} />
      {readsStatus(choices.mapping) && (
        <Alert color="tide" variant="light" icon={<Info aria-hidden />} py="xs" data-testid="import-columns-status">
          {words.statusNote}
        </Alert>
      )}
      {wrong !== null && (
        <Alert color="yellow" role="status" py="xs" data-testid="import-columns-problem">
          {wrong.kind === 'twice' ? words.twice(targetWords(t, wrong.target)) : words[wrong.kind]}
        </Alert>
      )}
      <Card component="section" aria-label={words.options}>
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
          <Stack>
            <Select
              label={`${words.device} (${t.parts.required})`}
              description={words.deviceHint}
              data={devices.map((device) => ({ value: device.id, label: device.name }))}
              value={choices.deviceId}
              onChange={(deviceId) => onChange({ deviceId })}
              searchable
              allowDeselect={false}
              nothingFoundMessage={t.leads.filters.nothing}
              ref={deviceField}
              error={isTried && choices.deviceId === null ? t.leads.form.deviceMissing : undefined}
              data-testid="import-columns-device"
            />
            <CountrySelect
              label={words.country}
              description={words.countryHint}
              value={choices.country}
              onChange={(country) => onChange({ country })}
              data-testid="import-columns-country"
            />
          </Stack>
          <Radio.Group
            label={words.duplicates}
            value={choices.onDuplicate}
            onChange={(onDuplicate) => onChange({ onDuplicate: onDuplicate as OnDuplicate })}
          >
            <Stack gap="sm" mt="xs">
              {(['skip', 'update', 'fail'] as const).map((choice) => (
                <Radio
                  key={choice}
                  value={choice}
                  label={words.duplicateChoices[choice][0]}
                  description={words.duplicateChoices[choice][1]}
                  data-testid={`import-columns-duplicate-${choice}`}
                />
              ))}
            </Stack>
          </Radio.Group>
        </SimpleGrid>
      </Card>
      <DeclareConsent value={choices.consent} onChange={(consent) => onChange({ consent })} isTried={isTried} />
      <Group justify="flex-end" className="hantar-submit-row">
        <Button variant="default" onClick={onBack}>
          {t.leads.imports.back}
        </Button>
        <Button onClick={next} disabled={wrong !== null} data-testid="import-columns-next">
          {words.next}
        </Button>
      </Group>
    </Stack>
  );
}

interface ColumnsProps {
  preview: Preview;
  mapping: Mapping;
  onMap: (mapping: Mapping) => void;
}

function Columns({ preview, mapping, onMap }: ColumnsProps) {
  const t = useWords();
  const words = t.leads.imports.columns;
  const isPhone = useIsPhone();
  const names = [...new Set(preview.columns)];

  const example = (name: string) => {
    const place = preview.columns.indexOf(name);
    const cell = preview.rows.map((row) => row[place]).find((each) => each !== undefined && each.trim() !== '');
    return (
      <Text size="sm" dir="auto" c={cell === undefined ? 'dimmed' : undefined} lineClamp={1} style={{ overflowWrap: 'anywhere' }}>
        {cell ?? words.emptyCell}
      </Text>
    );
  };
  const choice = (name: string) => (
    <Select
      aria-label={words.fieldOf(name)}
      data={targets(t, preview.fields, name, mapping[name] ?? null)}
      value={mapping[name] ?? NOTHING}
      onChange={(target: string | null) => onMap({ ...mapping, [name]: target === NOTHING ? null : target })}
      allowDeselect={false}
      data-testid={`import-columns-map-${name}`}
    />
  );

  if (isPhone) {
    return (
      <Stack gap="xs">
        {names.map((name) => (
          <Card key={name} padding="sm">
            <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
              {name}
            </Text>
            {example(name)}
            {choice(name)}
          </Card>
        ))}
      </Stack>
    );
  }
  return (
    <Card padding={0}>
      <Table aria-label={words.title} className="hantar-table" horizontalSpacing="md" layout="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{words.column}</Table.Th>
            <Table.Th>{words.example}</Table.Th>
            <Table.Th>{words.field}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {names.map((name) => (
            <Table.Tr key={name}>
              <Table.Td fw={600} style={{ overflowWrap: 'anywhere' }}>
                {name}
              </Table.Td>
              <Table.Td>{example(name)}</Table.Td>
              <Table.Td>{choice(name)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

/** Where a column can go: nowhere, to a field, or to an extra field of its own name. */
function targets(t: Words, fields: string[], column: string, chosen: string | null) {
  const words = t.leads.imports.columns;
  const attribute = attributeOf(column);
  const extras = [...new Set([attribute === null ? null : EXTRA + attribute, chosen?.startsWith(EXTRA) ? chosen : null])];
  const known = extras.filter((extra) => extra !== null);
  return [
    { value: NOTHING, label: words.nothing },
    { group: words.fieldsGroup, items: fields.map((field) => ({ value: field, label: words.fields[field] ?? field })) },
    ...(known.length > 0
      ? [{ group: words.attributes, items: known.map((extra) => ({ value: extra, label: targetWords(t, extra) })) }]
      : []),
  ];
}

function targetWords(t: Words, target: string): string {
  const words = t.leads.imports.columns;
  return target.startsWith(EXTRA) ? words.attribute(target.slice(EXTRA.length)) : (words.fields[target] ?? target);
}
