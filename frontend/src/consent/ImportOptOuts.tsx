// Opt out everybody on a list: a CSV with a column "phone", or one number to a line.
import { Alert, FileInput, List, Modal, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { FileUp } from 'lucide-react';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useImportOptOuts } from './hooks';
import type { BlockList } from './types';

const SHOWN = 20;

export function ImportOptOuts({ onClose }: { onClose: () => void }) {
  const t = useWords();
  const words = t.consent.optOuts;
  const send = useImportOptOuts();
  const form = useForm({ initialValues: { file: null as File | null, note: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ file, note }) => {
    problem.clear();
    if (file === null) {
      form.setFieldError('file', words.fileMissing);
      return;
    }
    try {
      await send.mutateAsync({ file, note: note.trim() });
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.importTitle} closeButtonProps={{ 'aria-label': t.parts.close }}>
      {send.data === undefined ? (
        <form onSubmit={submit}>
          <Stack>
            <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
            <Text size="sm">{words.importWords}</Text>
            <FileInput
              label={words.file}
              placeholder={words.filePlaceholder}
              accept=".csv,.txt,text/csv,text/plain"
              leftSection={<FileUp size={16} aria-hidden />}
              required
              clearable
              {...form.getInputProps('file')}
              data-testid="opt-outs-file"
            />
            <Textarea label={words.note} description={words.importNoteHint} maxLength={500} autosize minRows={2} {...form.getInputProps('note')} />
          </Stack>
          <SubmitRow label={words.importAct} isBusy={send.isPending} onCancel={onClose} data-testid="opt-outs-import-submit" />
        </form>
      ) : (
        <Done list={send.data} onClose={onClose} />
      )}
    </Modal>
  );
}

function Done({ list, onClose }: { list: BlockList; onClose: () => void }) {
  const words = useWords().consent.optOuts;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <Stack aria-live="polite" data-testid="opt-outs-imported">
        <Text>{words.imported(list.added, list.already, list.doubled)}</Text>
        {list.failed > 0 && (
          <Alert color="orange" title={words.failedRows(list.failed)}>
            <List size="sm">
              {list.errors.slice(0, SHOWN).map((row) => (
                <List.Item key={row.row}>{words.failedRow(row.row, row.message)}</List.Item>
              ))}
            </List>
            {list.failed > SHOWN && <Text size="sm">{words.moreRows(list.failed - SHOWN)}</Text>}
          </Alert>
        )}
      </Stack>
      <SubmitRow label={words.close} data-testid="opt-outs-import-close" />
    </form>
  );
}
