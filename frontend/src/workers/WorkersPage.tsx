// Every device at its work: figures, one row each, stopping and starting one or all.
import { ActionIcon, Anchor, Button, Menu, SimpleGrid, Stack, Switch, Text } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { CirclePlay, CircleStop, EllipsisVertical, Play, RotateCw, Smartphone, Square, Wrench } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { useMay } from '@/accounts/hooks';
import type { BroadcastStats, Worker, Workers } from '@/api/types';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { Figure } from '@/parts/Figure';
import { FilterBar } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { PageHead } from '@/parts/PageHead';
import { StateBadge } from '@/parts/StateBadge';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { CALM, OFTEN, useActOnWorker, useBroadcastStats, useResumeAll, useResumeFailed, useWorkers, type Act } from './hooks';
import { StopAll } from './StopAll';

/** Rows drawn at a time; the rest waits behind "Load more". */
const PAGE = 50;
/** States that a click on their figure picks out. */
const STATES = ['active', 'idle', 'stopped', 'error'];
const route = getRouteApi('/shell/workers');

export default function WorkersPage() {
  const t = useWords().workers;
  const [isOften, setOften] = useState(false);
  const every = isOften ? OFTEN : CALM;
  const workers = useWorkers(every);
  const stats = useBroadcastStats(every);
  const search = route.useSearch();
  const navigate = useNavigate();
  const change = (next: Partial<typeof search>) => void navigate({ to: '/workers', search: { ...search, ...next }, replace: true });
  const all = workers.data?.workers ?? [];
  const state = STATES.find((one) => one === search.state);
  const name = (search.q ?? '').trim().toLowerCase();
  const shown = all.filter((one) => (state === undefined || one.worker_status === state) && one.device_name.toLowerCase().includes(name));
  return (
    <>
      <PageHead title={t.title} lead={t.lead} actions={<Actions summary={workers.data?.summary} />} />
      <Stack gap="lg">
        <Switch label={t.often} checked={isOften} onChange={(event) => setOften(event.currentTarget.checked)} data-testid="workers-often" />
        <Boxes summary={workers.data?.summary} stats={stats.data} state={state} onState={(next) => change({ state: next })} />
        <FilterBar search={{ value: search.q ?? '', onChange: (q) => change({ q: q || undefined }), placeholder: t.search }} />
        <Table
          workers={shown}
          empty={
            all.length > 0 ? (
              <NothingMatches onClear={() => change({ q: undefined, state: undefined })} />
            ) : (
              <EmptyState icon={Smartphone} words={t.empty} hint={t.emptyHint} />
            )
          }
          isLoading={workers.isPending} problem={workers.data === undefined ? workers.error : null} retry={() => void workers.refetch()}
        />
      </Stack>
    </>
  );
}

function Actions({ summary }: { summary: Workers['summary'] | undefined }) {
  const t = useWords().workers;
  const mayAct = useMay('operator');
  const mayStop = useMay('owner');
  const [isAsking, setAsking] = useState(false);
  const [run, isBusy] = useAction();
  const failed = useResumeFailed();
  const all = useResumeAll();
  const bringBack = async (act: typeof failed | typeof all) => {
    const { resumed_count, not_resumed } = await act.mutateAsync();
    tell(t.resumed(resumed_count, not_resumed.length));
  };
  if (summary === undefined) return null;
  return (
    <>
      {mayAct && summary.error > 0 && (
        <Button leftSection={<Wrench size={16} aria-hidden />} disabled={isBusy} onClick={() => void run(() => bringBack(failed))} data-testid="workers-resume-failed">
          {t.resumeFailed}
        </Button>
      )}
      {mayStop && summary.stopped > 0 && (
        <Button variant="default" leftSection={<CirclePlay size={16} aria-hidden />} disabled={isBusy} onClick={() => void run(() => bringBack(all))} data-testid="workers-resume-all">
          {t.resumeAll}
        </Button>
      )}
      {mayStop && summary.total > summary.stopped && (
        <Button variant="default" color="red" leftSection={<CircleStop size={16} aria-hidden />} onClick={() => setAsking(true)} data-testid="workers-stop-all">
          {t.stopAll.open}
        </Button>
      )}
      {isAsking && <StopAll onClose={() => setAsking(false)} />}
    </>
  );
}

interface BoxesProps {
  summary: Workers['summary'] | undefined;
  stats: BroadcastStats | undefined;
  /** The state whose workers alone are listed. */
  state: string | undefined;
  onState: (state: string | undefined) => void;
}

function Boxes({ summary, stats, state, onState }: BoxesProps) {
  const t = useWords().workers.boxes;
  const boxes: [name: string, label: string, value: number | string | undefined, color?: string][] = [
    ['active', t.active, summary?.active],
    ['idle', t.idle, summary?.idle],
    ['stopped', t.stopped, summary?.stopped],
    ['error', t.error, summary?.error, summary !== undefined && summary.error > 0 ? 'red' : undefined],
    ['queued', t.queued, summary?.queued],
    ['processed', t.processed, summary?.processed],
    ['failed', t.failed, summary?.failed],
    ['rate', t.rate, stats?.rate_per_minute],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      {boxes.map(([name, label, value, color]) => (
        <Figure
          key={name}
          label={label}
          value={value}
          color={color}
          isPressed={STATES.includes(name) ? state === name : undefined}
          onClick={STATES.includes(name) ? () => onState(state === name ? undefined : name) : undefined}
          data-testid={`workers-box-${name}`}
        />
      ))}
    </SimpleGrid>
  );
}

interface TableProps {
  workers: Worker[];
  empty: ReactNode;
  isLoading: boolean;
  problem: Error | null;
  retry: () => void;
}

function Table({ workers, empty, isLoading, problem, retry }: TableProps) {
  const t = useWords().workers;
  const mayAct = useMay('operator');
  const [most, setMost] = useState(PAGE);
  const all = useWords();
  const columns = useMemo(() => columnsIn(all), [all]);
  return (
    <DataTable
      label={t.title}
      columns={columns}
      list={{
        rows: workers.slice(0, most),
        total: workers.length,
        isLoading,
        problem: problem as TableProblem,
        retry,
        hasMore: most < workers.length,
        loadMore: () => setMost(most + PAGE),
      }}
      rowId={(worker) => worker.device_id}
      rowActions={mayAct ? menuOf : undefined}
      empty={empty}
      data-testid="workers-table"
    />
  );
}

/** The same functions and columns each time, so that a row is drawn anew only when it changed. */
const menuOf = (worker: Worker) => <WorkerMenu worker={worker} />;

type TableProblem = Parameters<typeof DataTable>[0]['list']['problem'];

function columnsIn(all: ReturnType<typeof useWords>): Column<Worker>[] {
  const t = all.workers;
  return [
    {
      key: 'device',
      header: t.columns.device,
      onPhone: 'title',
      render: (worker) => (
        <Anchor component={Link} to={`/devices/${worker.device_id}`} fw={600} lineClamp={2} maw={260} style={{ overflowWrap: 'anywhere' }}>
          {worker.device_name}
        </Anchor>
      ),
    },
    { key: 'state', header: t.columns.state, onPhone: 'main', render: (worker) => <StateBadge kind="device" state={worker.device_state} /> },
    { key: 'worker', header: t.columns.worker, onPhone: 'main', render: (worker) => <StateBadge kind="worker" state={worker.worker_status} /> },
    { key: 'work', header: t.columns.work, render: (worker) => <Doing worker={worker} /> },
    { key: 'queue', header: t.columns.queue, align: 'right', render: (worker) => number(worker.queue_size) },
    { key: 'sent', header: t.columns.sent, align: 'right', render: (worker) => number(worker.processed_count) },
    { key: 'failed', header: t.columns.failed, align: 'right', render: (worker) => number(worker.failed_count) },
    { key: 'next', header: t.columns.next, render: (worker) => <Next worker={worker} /> },
    { key: 'last', header: t.columns.last, render: (worker) => <Moment at={worker.last_activity} /> },
  ];
}

function Doing({ worker }: { worker: Worker }) {
  const work = worker.current_campaign ?? worker.current_sequence;
  if (work === null) return <Text span c="dimmed">–</Text>;
  return worker.current_campaign !== null ? (
    <Anchor component={Link} to={`/campaigns/${work.id}`} lineClamp={1} maw={200}>
      {work.title ?? '–'}
    </Anchor>
  ) : (
    <Text span lineClamp={1}>
      {work.title ?? '–'}
    </Text>
  );
}

function Next({ worker }: { worker: Worker }) {
  const t = useWords().states.reason;
  if (worker.waiting_for === null) return <Text span c="dimmed">–</Text>;
  return (
    <Stack gap={0}>
      {worker.next_send_at !== null && <Moment at={worker.next_send_at} />}
      <Text span size="xs" c="dimmed">
        {t[worker.waiting_for] ?? worker.waiting_for}
      </Text>
    </Stack>
  );
}

function WorkerMenu({ worker }: { worker: Worker }) {
  const t = useWords().workers;
  const [run, isBusy] = useAction();
  const change = useActOnWorker();
  const act = (what: Act, done: string) => void run(() => change.mutateAsync({ id: worker.device_id, act: what }), done);
  return (
    <Menu position="bottom-end" shadow="sm">
      <Menu.Target>
        <ActionIcon aria-label={t.actionsOf(worker.device_name)} loading={isBusy} data-testid="workers-menu">
          <EllipsisVertical size={17} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {worker.worker_status === 'stopped' || worker.worker_status === 'error' ? (
          <Menu.Item leftSection={<Play size={16} aria-hidden />} onClick={() => act('start', t.done.started)} data-testid="workers-menu-start">
            {t.actions.start}
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<Square size={16} aria-hidden />} onClick={() => act('stop', t.done.stopped)} data-testid="workers-menu-stop">
            {t.actions.stop}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<RotateCw size={16} aria-hidden />} onClick={() => act('restart', t.done.restarted)} data-testid="workers-menu-restart">
          {t.actions.restart}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
