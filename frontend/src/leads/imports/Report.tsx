// What became of a file: five counts, and the report row by row with cell and cause.
import { Button, Group, SegmentedControl, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { Download, SearchX } from 'lucide-react';
import { useState } from 'react';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState } from '@/parts/EmptyState';
import { Figure } from '@/parts/Figure';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { StepHead } from './Steps';
import { useReport } from './hooks';
import type { ImportDetail, Outcome, ReportRow } from './types';

const DOUBLED = 'same_person_in_file';

/** Rows by what becomes of them; together they are all rows of the file. */
export function Counts({ of }: { of: ImportDetail }) {
  const t = useWords().leads.imports.dry;
  const doubled = of.causes.filter(({ code }) => code === DOUBLED).reduce((sum, { count }) => sum + count, 0);
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, md: 5 }} data-testid="import-counts">
      <Figure label={t.created} value={of.created} data-testid="import-count-created" />
      <Figure label={t.updated} value={of.updated} data-testid="import-count-updated" />
      <Figure label={t.unchanged} value={of.skipped - doubled} hint={t.unchangedHint} data-testid="import-count-unchanged" />
      <Figure label={t.doubled} value={doubled} hint={t.doubledHint} data-testid="import-count-doubled" />
      <Figure
        label={t.failed}
        value={of.failed}
        hint={t.failedHint}
        color={of.failed > 0 ? 'var(--mantine-color-red-text)' : undefined}
        data-testid="import-count-failed"
      />
    </SimpleGrid>
  );
}

const outcomes: Outcome[] = ['failed', 'skipped', 'updated', 'warning'];

export function Report({ of }: { of: ImportDetail }) {
  const t = useWords().leads.imports;
  const words = t.rows;
  const present = outcomes.filter((outcome) => of.causes.some((cause) => cause.outcome === outcome));
  const [outcome, setOutcome] = useState<Outcome | 'all'>(present[0] ?? 'all');
  const [code, setCode] = useState<string | null>(null);
  const isPhone = useIsPhone();
  const list = useReport(of.id, outcome === 'all' ? undefined : outcome, code ?? undefined);
  if (of.causes.length === 0) return null;

  const causes = of.causes.filter((cause) => outcome === 'all' || cause.outcome === outcome);
  const sum = (rows: { count: number }[]) => rows.reduce((total, { count }) => total + count, 0);
  const columns: Column<ReportRow>[] = [
    {
      key: 'row',
      header: words.row,
      render: (row) => (isPhone ? <Text fw={600}>{words.rowNumber(row.row)}</Text> : number(row.row)),
      onPhone: 'title',
      width: 80,
    },
    { key: 'cause', header: words.cause, render: (row) => <Cause row={row} />, onPhone: 'main' },
    { key: 'column', header: words.column, render: (row) => row.column, onPhone: 'more' },
    { key: 'cell', header: words.value, render: (row) => <Cell text={row.cell} />, onPhone: 'more' },
  ];
  return (
    <Stack component="section" gap="sm" aria-label={words.title} data-testid="import-report">
      <Group justify="space-between" align="flex-end">
        <StepHead title={words.title} hint={words.hint} focus={false} />
        {of.failed > 0 && (
          <Button
            component="a"
            href={`/api/imports/${of.id}/errors.csv`}
            download
            variant="default"
            leftSection={<Download size={16} aria-hidden />}
            data-testid="import-report-download"
          >
            {words.download}
          </Button>
        )}
      </Group>
      <Group>
        {present.length > 1 && (
          <SegmentedControl
            aria-label={words.outcome}
            value={outcome}
            onChange={(next) => {
              setOutcome(next as Outcome | 'all');
              setCode(null);
            }}
            data={[
              ...present.map((each) => ({ value: each, label: words.outcomes[each] ?? each })),
              { value: 'all', label: words.everything },
            ]}
            data-testid="import-report-outcome"
          />
        )}
        <Select
          aria-label={words.filter}
          placeholder={words.all(sum(causes))}
          data={[...new Set(causes.map((cause) => cause.code))].map((each) => ({
            value: each,
            label: words.option(words.codes[each] ?? each, sum(causes.filter((cause) => cause.code === each))),
          }))}
          value={code}
          onChange={setCode}
          clearable
          w={{ base: '100%', xs: 300 }}
          data-testid="import-report-cause"
        />
      </Group>
      <DataTable<ReportRow>
        label={words.table}
        columns={columns}
        list={list}
        rowId={(row) => `${row.row}-${row.code}-${row.column ?? ''}`}
        empty={<EmptyState icon={SearchX} words={words.none} />}
        data-testid="import-report-rows"
      />
    </Stack>
  );
}

function Cause({ row }: { row: ReportRow }) {
  const t = useWords().leads.imports.rows;
  return (
    <div>
      <Text size="sm" fw={600}>
        {t.codes[row.code] ?? row.code}
      </Text>
      <Text size="sm" c="dimmed">
        {row.message}
      </Text>
    </div>
  );
}

function Cell({ text }: { text: string | null }) {
  const t = useWords().leads.imports.columns;
  if (text === null || text === '') {
    return (
      <Text size="sm" c="dimmed">
        {t.emptyCell}
      </Text>
    );
  }
  return (
    <Text
      size="sm"
      ff="monospace"
      dir="auto"
      lineClamp={3}
      maw={320}
      style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
    >
      {text}
    </Text>
  );
}
