// One import while it runs and after: progress with Cancel, then counts, report and the way to its leads. Also for past imports.
import { Alert, Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { CircleCheck, CircleX, FileUp, Users } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { useDevices } from '@/devices/hooks';
import { Moment } from '@/parts/Moment';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { ImportConsent } from './ImportConsent';
import { Reading } from './Progress';
import { Counts, Report } from './Report';
import { Steps, StepHead } from './Steps';
import { useCancelJob, useImport } from './hooks';
import type { ImportDetail } from './types';

const route = getRouteApi('/shell/leads/imports/$importId');
const RUN = 3;
const ALL_DONE = 5;

export default function ImportResultPage() {
  const t = useWords();
  const words = t.leads.imports;
  const { importId } = route.useParams();
  const query = useImport(importId);
  const found = query.data;
  const crumbs = [
    { label: t.leads.title, to: '/leads' },
    { label: words.past, to: '/leads/imports' },
  ];
  return (
    <>
      <PageHead
        title={found === undefined ? words.title : words.one(found.file_name)}
        state={found === undefined ? undefined : words.list.statuses[found.status]}
        crumbs={crumbs}
        lead={found && <Origin of={found} />}
      />
      {query.isError && <FailedLoad problem={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Skeleton height={240} radius="lg" />}
      {found !== undefined && (
        <>
          <Steps active={found.status === 'running' ? RUN : ALL_DONE} />
          {found.status === 'running' ? <Running of={found} /> : <Ended of={found} />}
        </>
      )}
    </>
  );
}

function Origin({ of }: { of: ImportDetail }) {
  const { data: devices } = useDevices();
  const name = devices?.find((device) => device.id === of.device_id)?.name;
  return (
    <>
      {name !== undefined && `${name} · `}
      <Moment at={of.created_at} as="full" c="dimmed" />
    </>
  );
}

function Running({ of }: { of: ImportDetail }) {
  const t = useWords().leads.imports.run;
  const mayEdit = useMay('operator');
  const [isAsking, setAsking] = useState(false);
  return (
    <Stack>
      <StepHead title={t.title} />
      <Reading
        jobId={of.job_id}
        title={t.title}
        hint={t.leaving}
        actions={
          mayEdit &&
          of.job_id !== null && (
            <Button variant="default" onClick={() => setAsking(true)} data-testid="import-run-cancel">
              {t.cancel}
            </Button>
          )
        }
      />
      <Counts of={of} />
      {of.job_id !== null && <CancelModal jobId={of.job_id} opened={isAsking} onClose={() => setAsking(false)} />}
    </Stack>
  );
}

function CancelModal({ jobId, opened, onClose }: { jobId: string; opened: boolean; onClose: () => void }) {
  const t = useWords();
  const words = t.leads.imports.run;
  const cancel = useCancelJob();
  const [run, isBusy] = useAction();
  return (
    <Modal opened={opened} onClose={onClose} title={words.cancelTitle} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Text size="sm" mb="md">
        {words.cancelWords}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          {words.cancelStay}
        </Button>
        <Button
          color="red"
          loading={isBusy}
          onClick={() => void run(() => cancel.mutateAsync(jobId), words.cancelled).then(onClose)}
          data-testid="import-run-cancel-confirm"
        >
          {words.cancel}
        </Button>
      </Group>
    </Modal>
  );
}

function Ended({ of }: { of: ImportDetail }) {
  const t = useWords().leads.imports;
  const words = t.result;
  const mayEdit = useMay('operator');
  const isGood = of.status === 'done';
  const title = of.status === 'failed' ? words.failed : of.status === 'cancelled' ? words.cancelled : words.done;
  return (
    <Stack>
      <StepHead title={of.is_dry_run ? t.dry.title : title} hint={of.is_dry_run ? t.dry.again : undefined} />
      {!of.is_dry_run && (
        <Alert
          color={isGood ? (of.failed > 0 ? 'yellow' : 'tide') : 'red'}
          icon={isGood ? <CircleCheck aria-hidden /> : <CircleX aria-hidden />}
          role="status"
          data-testid="import-result"
        >
          <Text size="sm" fw={600} data-testid="import-result-words">
            {words.summary(of.success, of.skipped, of.failed)}
          </Text>
          {of.status === 'cancelled' && <Text size="sm">{words.cancelledWords}</Text>}
          {of.error !== null && <Text size="sm">{of.error}</Text>}
        </Alert>
      )}
      <Counts of={of} />
      <Group>
        {of.created > 0 && !of.is_dry_run && (
          <Button
            component={Link}
            to="/leads"
            search={{ import: of.id } as never}
            leftSection={<Users size={16} aria-hidden />}
            data-testid="import-result-leads"
          >
            {words.seeLeads}
          </Button>
        )}
        {mayEdit && (
          <Button
            component={Link}
            to="/leads/import"
            variant="default"
            leftSection={<FileUp size={16} aria-hidden />}
            data-testid="import-result-another"
          >
            {words.another}
          </Button>
        )}
      </Group>
      <ImportConsent of={of} />
      <Report of={of} />
    </Stack>
  );
}
