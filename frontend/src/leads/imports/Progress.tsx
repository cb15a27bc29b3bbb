// How far a file is: on its way to the server, waiting, or being read.
import { Button, Card, Group, Progress, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { ProgressWithEta } from '@/parts/ProgressWithEta';
import { useWords } from '@/words';
import { useJob } from './hooks';

/** The upload of the file itself; `share` runs from 0 to 1. */
export function Sending({ share, onCancel }: { share: number; onCancel?: () => void }) {
  const t = useWords();
  const words = t.leads.imports.dry;
  return (
    <Card data-testid="import-sending">
      <Stack>
        <Text fw={600}>{share < 1 ? words.sending : words.checking}</Text>
        <Progress value={Math.max(2, share * 100)} animated aria-label={words.sending} color="teal" size="lg" radius="xl" />
        <Group justify="space-between">
          <Text size="sm" c="dimmed" role="status">
            {words.sendingShare(share)}
          </Text>
          {onCancel && (
            <Button variant="default" onClick={onCancel} data-testid="import-sending-cancel">
              {t.parts.cancel}
            </Button>
          )}
        </Group>
      </Stack>
    </Card>
  );
}

interface Props {
  jobId: string | null;
  title: string;
  hint?: string;
  actions?: ReactNode;
}

/** A job at work; without one the server is about to answer. */
export function Reading({ jobId, title, hint, actions }: Props) {
  const t = useWords().leads.imports;
  const { data: job } = useJob(jobId);
  return (
    <Card data-testid="import-progress">
      <Stack>
        <Text fw={600}>{job?.status === 'queued' ? t.list.statuses.queued : title}</Text>
        {job?.total ? (
          <ProgressWithEta label={t.run.label} done={job.done} total={job.total} etaAt={job.eta_at} isActive />
        ) : (
          <Progress value={100} animated color="teal" size="lg" radius="xl" aria-label={t.run.label} />
        )}
        <Group justify="space-between">
          <Text size="sm" c="dimmed">
            {hint}
          </Text>
          {actions}
        </Group>
      </Stack>
    </Card>
  );
}
