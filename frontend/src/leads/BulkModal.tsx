// One change to many leads: what to change, a preview counted by the server in a dry run, then the change.
import { Alert, List, Modal, Select, Stack, Text, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { ZoneSelect } from '@/accounts/ZoneSelect';
import { toProblem, type Problem } from '@/api/problem';
import { useDevices } from '@/devices/hooks';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import type { BulkTarget } from './BulkActions';
import { EntriesInput } from './EntriesInput';
import { useBulk, useBulkPreview } from './hooks';
import type { BulkAction, BulkBody, BulkResult, Facets, LeadBody } from './types';

type Change = Exclude<BulkAction, 'delete'>;

interface Props {
  action: Change;
  target: BulkTarget;
  count: number;
  facets: Facets | undefined;
  onClose: () => void;
  onDone: () => void;
}

export function BulkModal({ action, target, count, facets, onClose, onDone }: Props) {
  const t = useWords();
  const words = t.leads.bulk;
  const isPhone = useIsPhone();
  const bulk = useBulk();
  const [given, setGiven] = useState<LeadBody>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [settled] = useDebouncedValue(given, 250);
  const body: BulkBody = { action, ...target, set: settled };
  const preview = useBulkPreview(isEmpty(settled) ? null : body);
  const isCurrent = settled === given && !preview.isFetching;
  const changed = isCurrent ? (preview.data?.changed ?? 0) : 0;
  const refused = problem ?? (preview.isError ? toProblem(preview.error) : null);

  async function submit() {
    setProblem(null);
    try {
      const result = await bulk.mutateAsync(body);
      tell(words.done(result.changed, result.matched));
      onDone();
      onClose();
    } catch (error) {
      setProblem(toProblem(error));
    }
  }

  return (
    <Modal
      opened
      onClose={onClose}
      title={words.title[action](count)}
      size="lg"
      fullScreen={isPhone}
      closeButtonProps={{ 'aria-label': t.parts.close }}
      data-testid="leads-bulk-modal"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        noValidate
      >
        <Stack>
          <ProblemSummary problem={refused} rest={refused?.fields} />
          <Text size="sm" c="dimmed">
            {words.hint[action]}
          </Text>
          <Fields action={action} given={given} onChange={setGiven} facets={facets} />
          <Preview result={isEmpty(given) ? null : preview.data} isBusy={!isEmpty(given) && !isCurrent} />
        </Stack>
        <SubmitRow
          label={action === 'move_device' ? words.submitMove(changed) : words.submit(changed)}
          isBusy={bulk.isPending}
          disabled={changed === 0}
          onCancel={onClose}
          data-testid="leads-bulk-submit"
        />
      </form>
    </Modal>
  );
}

interface FieldsProps {
  action: Change;
  given: LeadBody;
  onChange: (given: LeadBody) => void;
  facets: Facets | undefined;
}

function Fields({ action, given, onChange, facets }: FieldsProps) {
  const t = useWords();
  const words = t.leads;
  const keep = words.bulk.keep;
  const { data: devices = [] } = useDevices();
  const set = (changes: LeadBody) => onChange({ ...given, ...changes });
  const niches = (
    <EntriesInput
      label={words.form.niche}
      placeholder={given.niche?.length ? undefined : placeholder()}
      known={facets?.niches}
      value={given.niche ?? []}
      onChange={(niche) => set({ niche })}
      data-autofocus
      data-testid="leads-bulk-niche"
    />
  );
  const triggers = (
    <EntriesInput
      label={words.form.trigger}
      placeholder={given.trigger?.length ? undefined : placeholder()}
      known={facets?.triggers}
      value={given.trigger ?? []}
      onChange={(trigger) => set({ trigger })}
      data-autofocus={action !== 'update'}
      data-testid="leads-bulk-trigger"
    />
  );
  switch (action) {
    case 'add_niches':
    case 'remove_niches':
      return niches;
    case 'add_triggers':
    case 'remove_triggers':
      return triggers;
    case 'move_device':
      return (
        <Select
          label={words.form.device}
          data={devices.map((device) => ({ value: device.id, label: device.name }))}
          searchable
          value={given.device_id ?? null}
          onChange={(id) => set({ device_id: id ?? undefined })}
          nothingFoundMessage={words.filters.nothing}
          data-autofocus
          data-testid="leads-bulk-device"
        />
      );
    case 'update':
      return (
        <>
          {niches}
          <Select
            label={words.form.target}
            placeholder={keep}
            clearable
            data={['prospect', 'customer'].map((value) => ({ value, label: t.states.target[value] ?? value }))}
            value={given.target_status ?? null}
            onChange={(status) => set({ target_status: (status as LeadBody['target_status']) ?? undefined })}
            data-testid="leads-bulk-target"
          />
          {triggers}
          <Textarea
            label={words.form.note}
            placeholder={keep}
            autosize
            minRows={2}
            maxLength={4000}
            value={given.additional_note ?? ''}
            onChange={(event) => set({ additional_note: event.currentTarget.value || undefined })}
            data-testid="leads-bulk-note"
          />
          <ZoneSelect
            label={words.form.zone}
            placeholder={keep}
            clearable
            value={given.time_zone ?? null}
            onChange={(zone) => set({ time_zone: zone ?? undefined })}
            data-testid="leads-bulk-zone"
          />
        </>
      );
  }

  function placeholder(): string | undefined {
    return action === 'update' ? keep : undefined;
  }
}

function Preview({ result, isBusy }: { result: BulkResult | null | undefined; isBusy: boolean }) {
  const t = useWords().leads.bulk;
  return (
    <Alert color={result && result.changed > 0 ? 'tide' : 'gray'} variant="light" role="status" data-testid="leads-bulk-preview">
      <Text size="sm" fw={600}>
        {isBusy
          ? t.previewBusy
          : !result
            ? t.previewAsk
            : result.changed === 0
              ? t.previewNone
              : t.preview(result.changed, result.matched)}
      </Text>
      {!isBusy && result && result.errors.length > 0 && (
        <>
          <Text size="sm" mt={4}>
            {t.previewErrors(result.errors.length)}
          </Text>
          <List size="sm">
            {[...new Set(result.errors.map((error) => error.message))].map((message) => (
              <List.Item key={message}>{message}</List.Item>
            ))}
          </List>
        </>
      )}
    </Alert>
  );
}

/** Whether nothing is to be changed. */
function isEmpty(given: LeadBody): boolean {
  return Object.values(given).every(
    (value) => value === undefined || value === null || (Array.isArray(value) && value.length === 0),
  );
}
