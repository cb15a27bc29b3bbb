// The import wizard up to the start: file, columns, dry run. The import itself has an address of its own and goes on without this page.
import { Button } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Smartphone } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { Problem, toProblem } from '@/api/problem';
import { useDevices } from '@/devices/hooks';
import { EmptyState } from '@/parts/EmptyState';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { useDefaultCountry } from '../hooks';
import { ColumnsStep, type Choices } from './ColumnsStep';
import { DryStep } from './DryStep';
import { FileStep } from './FileStep';
import { Steps } from './Steps';
import { usePreview, useSendFile } from './hooks';
import type { Preview } from './types';

const route = getRouteApi('/shell/leads/import');

export default function ImportPage() {
  const t = useWords();
  const words = t.leads.imports;
  const mayEdit = useMay('operator');
  const devices = useDevices();
  return (
    <>
      <PageHead title={words.title} crumbs={[{ label: t.leads.title, to: '/leads' }]} />
      {!mayEdit && <FailedLoad problem={new Problem({ code: 'forbidden', status: 403 })} />}
      {mayEdit && devices.isError && <FailedLoad problem={devices.error} onRetry={() => void devices.refetch()} />}
      {mayEdit && devices.data?.length === 0 && (
        <EmptyState
          icon={Smartphone}
          words={words.columns.noDevice}
          action={
            <Button component={Link} to="/devices" search={{ add: true } as never}>
              {t.leads.empty.addDevice}
            </Button>
          }
        />
      )}
      {mayEdit && devices.data !== undefined && devices.data.length > 0 && (
        <Wizard devices={devices.data.map((device) => device.id)} />
      )}
    </>
  );
}

function Wizard({ devices }: { devices: string[] }) {
  const { device } = route.useSearch();
  const navigate = useNavigate();
  const look = usePreview();
  const send = useSendFile();
  const country = useDefaultCountry();
  const [step, setStep] = useState(0);
  const [hasMoved, setMoved] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [choices, setChoices] = useState<Choices>({
    deviceId: device !== undefined && devices.includes(device) ? device : devices.length === 1 ? (devices[0] ?? null) : null,
    mapping: {},
    onDuplicate: 'skip',
    country,
    consent: null,
  });
  const [dryId, setDryId] = useState<string | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => setChoices((before) => ({ ...before, country: before.country ?? country })), [country]);
  useEffect(() => () => abort.current?.abort(), []);

  function go(to: number) {
    setMoved(true);
    setProblem(null);
    setStep(to);
  }

  async function lookInto(chosen: File, format: { encoding?: string; delimiter?: string } = {}) {
    setProblem(null);
    setFile(chosen);
    try {
      const found = await look.mutateAsync({ file: chosen, ...format });
      setPreview(found);
      setChoices((before) => ({ ...before, mapping: found.mapping }));
    } catch (error) {
      setPreview(null);
      setProblem(toProblem(error));
    }
  }

  /** Sends the file, to try or for good. Refused choices lead back to where they are made. */
  async function sendFile(isDryRun: boolean) {
    if (file === null || preview === null || choices.deviceId === null) return;
    const { deviceId, ...rest } = choices;
    const options = { ...rest, deviceId, encoding: preview.encoding, delimiter: preview.delimiter };
    abort.current = new AbortController();
    go(2);
    setShare(0);
    if (isDryRun) setDryId(null);
    try {
      const started = await send.mutateAsync({ file, options, isDryRun, onProgress: setShare, signal: abort.current.signal });
      if (isDryRun) setDryId(started.import_id);
      else await navigate({ to: '/leads/imports/$importId', params: { importId: started.import_id } });
    } catch (error) {
      const isAborted = error instanceof DOMException && error.name === 'AbortError';
      if (isDryRun || !isAborted) go(1);
      if (!isAborted) setProblem(toProblem(error));
    } finally {
      setShare(null);
    }
  }

  return (
    <>
      <Steps active={step} onStep={share === null ? go : undefined} />
      {step === 0 && (
        <FileStep
          file={file}
          preview={preview}
          isLooking={look.isPending}
          problem={problem}
          onFile={(chosen) => void lookInto(chosen)}
          onFormat={(format) => file !== null && void lookInto(file, format)}
          onNext={() => go(1)}
          focus={hasMoved}
        />
      )}
      {step === 1 && preview !== null && (
        <ColumnsStep
          preview={preview}
          choices={choices}
          onChange={(changes) => setChoices({ ...choices, ...changes })}
          problem={problem}
          onBack={() => go(0)}
          onNext={() => void sendFile(true)}
        />
      )}
      {step === 2 && (
        <DryStep
          share={share}
          importId={dryId}
          isImporting={dryId !== null}
          onAbort={() => abort.current?.abort()}
          onBack={() => go(1)}
          onImport={() => void sendFile(false)}
        />
      )}
    </>
  );
}
