// Step 3: the file was read by the server and nothing was stored; what would happen, and the rows with a cause.
import { Alert, Button, Group, Stack } from '@mantine/core';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { Reading, Sending } from './Progress';
import { Counts, Report } from './Report';
import { StepHead } from './Steps';
import { useCancelJob, useImport } from './hooks';

interface Props {
  /** While the file is on its way. */
  share: number | null;
  /** The dry run, once the server has it. */
  importId: string | null;
  /** The second time the file is sent, for good. */
  isImporting: boolean;
  onAbort: () => void;
  onBack: () => void;
  onImport: () => void;
}

export function DryStep({ share, importId, isImporting, onAbort, onBack, onImport }: Props) {
  const t = useWords().leads.imports;
  const words = t.dry;
  const query = useImport(importId ?? undefined);
  const cancel = useCancelJob();
  const found = query.data;

  if (share !== null) {
    return (
      <Stack>
        <StepHead title={isImporting ? t.run.title : words.title} />
        <Sending share={share} onCancel={onAbort} />
      </Stack>
    );
  }
  if (query.isError) return <FailedLoad problem={query.error} onRetry={() => void query.refetch()} />;
  if (found === undefined || found.status === 'running') {
    return (
      <Stack>
        <StepHead title={words.title} />
        <Reading
          jobId={found?.job_id ?? null}
          title={words.checking}
          hint={words.again}
          actions={
            found?.job_id != null && (
              <Button
                variant="default"
                loading={cancel.isPending}
                onClick={() => cancel.mutate(found.job_id ?? '')}
                data-testid="import-dry-cancel"
              >
                {words.cancel}
              </Button>
            )
          }
        />
      </Stack>
    );
  }

  const willChange = found.created + found.updated;
  return (
    <Stack>
      <StepHead title={words.title} hint={words.again} />
      {found.status === 'failed' && <Alert color="red">{found.error}</Alert>}
      {found.status === 'cancelled' && <Alert color="yellow">{words.stopped}</Alert>}
      <Counts of={found} />
      {found.status === 'done' && (
        <Alert color={found.failed > 0 || willChange === 0 ? 'yellow' : 'tide'} role="status" data-testid="import-dry-words">
          {willChange === 0
            ? found.skipped > 0
              ? words.nothingNew
              : words.nothingGood
            : found.failed > 0
              ? words.someWrong(found.failed)
              : words.allGood}
        </Alert>
      )}
      <Report of={found} />
      <Group justify="flex-end" className="hantar-submit-row">
        <Button variant="default" onClick={onBack} data-testid="import-dry-back">
          {t.back}
        </Button>
        <Button onClick={onImport} disabled={willChange === 0 || found.status !== 'done'} data-testid="import-dry-start">
          {words.start(willChange)}
        </Button>
      </Group>
    </Stack>
  );
}
