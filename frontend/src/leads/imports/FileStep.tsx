// Step 1: the file, how it is written, and its first rows.
import '@mantine/dropzone/styles.css';
import { Alert, Anchor, Button, Card, Group, Select, Stack, Table, Text } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { FileSpreadsheet, FileUp } from 'lucide-react';
import { useRef, useState } from 'react';
import type { Problem } from '@/api/problem';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { StepHead } from './Steps';
import { LARGEST_MEGABYTES } from './hooks';
import type { Preview } from './types';

const ACCEPT = {
  'text/csv': ['.csv'],
  'text/tab-separated-values': ['.tsv'],
  'text/plain': ['.txt'],
  'application/vnd.ms-excel': ['.csv'],
};

interface Props {
  file: File | null;
  preview: Preview | null;
  isLooking: boolean;
  problem: Problem | null;
  onFile: (file: File) => void;
  /** The person knows better how the file is written. */
  onFormat: (format: { encoding?: string; delimiter?: string }) => void;
  onNext: () => void;
  focus: boolean;
}

export function FileStep(props: Props) {
  const { file, preview, isLooking, problem, onFile, onNext, focus } = props;
  const t = useWords().leads.imports;
  const words = t.file;
  const open = useRef<() => void>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const isEncodingUnknown = problem?.fields.some((field) => field.field === 'encoding') ?? false;

  return (
    <Stack>
      <StepHead title={words.title} focus={focus} />
      <Dropzone
        onDrop={([first]) => {
          setRefused(null);
          if (first !== undefined) onFile(first);
        }}
        onReject={([first]) =>
          setRefused(first?.errors[0]?.code === 'file-too-large' ? words.tooLarge(LARGEST_MEGABYTES) : words.wrongKind)
        }
        accept={ACCEPT}
        maxSize={LARGEST_MEGABYTES * 1_000_000}
        multiple={false}
        openRef={open}
        activateOnClick={false}
        activateOnKeyboard={false}
        loading={isLooking}
        loaderProps={{ 'aria-label': words.looking }}
        inputProps={{ 'aria-label': words.input }}
        enablePointerEvents
        p="xl"
        data-testid="import-file-drop"
      >
        <Stack align="center" gap="xs">
          {file === null ? (
            <FileUp size={36} strokeWidth={1.5} aria-hidden />
          ) : (
            <FileSpreadsheet size={36} strokeWidth={1.5} aria-hidden />
          )}
          {file === null ? (
            <>
              <Text fw={600}>{words.drop}</Text>
              <Text size="sm" c="dimmed" ta="center">
                {words.dropHint(LARGEST_MEGABYTES)}
              </Text>
            </>
          ) : (
            <Text fw={600} ta="center" style={{ overflowWrap: 'anywhere' }} data-testid="import-file-name">
              {file.name} · {words.size(file.size)}
            </Text>
          )}
          <Button
            variant={file === null ? 'filled' : 'default'}
            onClick={() => open.current?.()}
            data-testid="import-file-choose"
          >
            {file === null ? words.choose : words.other}
          </Button>
        </Stack>
      </Dropzone>
      <Group>
        <Anchor href="/api/leads/import/sample.csv" download size="sm" data-testid="import-file-sample">
          {words.sample}
        </Anchor>
      </Group>
      {refused !== null && (
        <Alert color="red" role="alert" data-testid="import-file-refused">
          {refused}
        </Alert>
      )}
      <ProblemSummary problem={problem} rest={problem?.fields} />
      {file !== null && (preview !== null || isEncodingUnknown) && <Found {...props} isEncodingUnknown={isEncodingUnknown} />}
      {preview !== null && (
        <Group justify="flex-end" className="hantar-submit-row">
          <Button onClick={onNext} disabled={preview.rows.length === 0 || isLooking} data-testid="import-file-next">
            {words.next}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Found({ preview, onFormat, isEncodingUnknown }: Props & { isEncodingUnknown: boolean }) {
  const t = useWords().leads.imports;
  const words = t.file;
  return (
    <Card component="section" aria-label={words.found}>
      <Stack>
        <Group align="flex-start" gap="md">
          <Select
            label={words.encoding}
            description={words.encodingHint}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            data={Object.entries(words.encodings).map(([value, label]) => ({ value, label }))}
            value={preview?.encoding ?? null}
            onChange={(encoding) => onFormat({ encoding: encoding ?? undefined, delimiter: preview?.delimiter })}
            allowDeselect={false}
            error={isEncodingUnknown}
            style={{ flex: '1 1 220px' }}
            data-testid="import-file-encoding"
          />
          <Select
            label={words.separator}
            data={Object.entries(words.separators).map(([value, label]) => ({ value, label }))}
            value={preview?.delimiter ?? null}
            onChange={(delimiter) => onFormat({ encoding: preview?.encoding, delimiter: delimiter ?? undefined })}
            allowDeselect={false}
            disabled={preview === null}
            style={{ flex: '1 1 160px' }}
            data-testid="import-file-separator"
          />
        </Group>
        {preview !== null && <FirstRows preview={preview} />}
      </Stack>
    </Card>
  );
}

function FirstRows({ preview }: { preview: Preview }) {
  const t = useWords().leads.imports;
  const words = t.file;
  if (preview.rows.length === 0) {
    return (
      <Alert color="yellow" role="status">
        {words.noRows}
      </Alert>
    );
  }
  return (
    <div>
      <Text size="sm" fw={600} mb="xs">
        {words.firstRows(preview.rows.length)} · {words.columnCount(preview.columns.length)}
      </Text>
      <Table.ScrollContainer minWidth={480} type="native">
        <Table
          withTableBorder
          withColumnBorders
          fz="sm"
          aria-label={words.firstRows(preview.rows.length)}
          className="hantar-table"
          data-testid="import-file-rows"
        >
          <Table.Thead>
            <Table.Tr>
              {preview.columns.map((column, index) => (
                <Table.Th key={index} dir="auto">
                  {column}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {preview.rows.map((row, index) => (
              <Table.Tr key={index}>
                {preview.columns.map((_, place) => (
                  <Table.Td key={place} dir="auto">
                    <Text size="sm" maw={220} lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
                      {row[place]}
                    </Text>
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}
