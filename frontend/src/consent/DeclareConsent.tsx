// Once per file: what everybody in it agreed to, how and when, with a declaration by whoever imports it. It can be skipped.
import { Card, Checkbox, Select, SimpleGrid, Stack, Switch, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useWords } from '@/words';
import { givenSources } from './GiveConsent';

export interface Declaration {
  wording: string;
  source: (typeof givenSources)[number];
  /** Day as YYYY-MM-DD; empty is today. */
  given: string;
  declared: boolean;
}

export const noDeclaration: Declaration = { wording: '', source: 'web_form', given: '', declared: false };

/** What the API takes. */
export function declarationBody({ wording, source, given, declared }: Declaration) {
  return { wording: wording.trim(), source, declared, given_at: given === '' ? null : new Date(`${given}T12:00`).toISOString() };
}

export function isWhole(declaration: Declaration | null): boolean {
  return declaration === null || (declaration.wording.trim() !== '' && declaration.declared);
}

interface Props {
  value: Declaration | null;
  onChange: (value: Declaration | null) => void;
  isTried: boolean;
  /** Where somebody came to declare: without the switch, which asks whether. */
  isAsked?: boolean;
}

export function DeclareConsent({ value, onChange, isTried, isAsked = false }: Props) {
  const t = useWords().consent.declare;
  const ledger = useWords().consent.ledger;
  const set = (change: Partial<Declaration>) => value !== null && onChange({ ...value, ...change });
  return (
    <Card component="section" aria-label={t.title} {...(isAsked && { p: 0, withBorder: false, shadow: 'none', bg: 'transparent' })}>
      <Stack gap="sm">
        {!isAsked && (
          <div>
            <Title order={3} size="h4">
              {t.title}
            </Title>
            <Text size="sm" c="dimmed">
              {t.hint}
            </Text>
          </div>
        )}
        {!isAsked && (
          <Switch
            label={t.agreed}
            checked={value !== null}
            onChange={(event) => onChange(event.currentTarget.checked ? noDeclaration : null)}
            data-testid="import-consent"
          />
        )}
        {value === null ? (
          <Text size="sm" c="dimmed">
            {t.skipped}
          </Text>
        ) : (
          <>
            <Textarea
              label={ledger.wording}
              description={ledger.wordingHint}
              required
              autosize
              minRows={2}
              maxLength={4000}
              value={value.wording}
              onChange={(event) => set({ wording: event.currentTarget.value })}
              error={isTried && value.wording.trim() === '' ? t.wordingMissing : undefined}
              data-testid="import-consent-wording"
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Select
                label={ledger.how}
                data={givenSources.map((source) => ({ value: source, label: ledger.sources[source] ?? source }))}
                value={value.source}
                onChange={(source) => set({ source: givenSources.find((each) => each === source) ?? 'web_form' })}
                allowDeselect={false}
              />
              <TextInput type="date" label={ledger.when} description={ledger.whenHint} max={new Date().toISOString().slice(0, 10)} value={value.given} onChange={(event) => set({ given: event.currentTarget.value })} />
            </SimpleGrid>
            <Checkbox
              label={t.declaration}
              checked={value.declared}
              onChange={(event) => set({ declared: event.currentTarget.checked })}
              error={isTried && !value.declared ? (isAsked ? t.declarationNeeded : t.declarationMissing) : undefined}
              data-testid="import-consent-declared"
            />
          </>
        )}
      </Stack>
    </Card>
  );
}
