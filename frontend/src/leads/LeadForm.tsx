// The form of one lead, new or known. Refused fields show the server's words; a duplicate links to the lead that is there.
import {
  ActionIcon,
  Alert,
  Anchor,
  Box,
  Button,
  Fieldset,
  Group,
  Input,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { Plus, Trash2, UserCheck } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { ZoneSelect } from '@/accounts/ZoneSelect';
import { toProblem } from '@/api/problem';
import { useDevices } from '@/devices/hooks';
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { EntriesInput } from './EntriesInput';
import { LeadFacts } from './LeadView';
import { UnsavedGuard } from './UnsavedGuard';
import { useAddLead, useDefaultCountry, useDeleteLead, useSaveLead } from './hooks';
import type { Facets, Lead } from './types';
import { useLeadSearch } from './useLeadSearch';
import { changedBody, checks, newBody, valuesOf, type LeadValues } from './values';

interface Props {
  lead: Lead | null;
  /** For a new lead: the device of the list it is added to. */
  deviceId?: string;
  facets: Facets | undefined;
  onClose: () => void;
}

export function LeadForm({ lead, deviceId, facets, onClose }: Props) {
  const t = useWords();
  const words = t.leads.form;
  const id = useId();
  const { data: devices = [] } = useDevices();
  const country = useDefaultCountry();
  const [search, change] = useLeadSearch();
  const add = useAddLead();
  const save = useSaveLead(lead?.id ?? '');
  const [existing, setExisting] = useState<string | null>(null);
  const duplicate = useRef<HTMLDivElement>(null);
  const isLeaving = useRef(false);
  const first = deviceId ?? search.device ?? (devices.length === 1 ? (devices[0]?.id ?? null) : null);
  const form = useForm<LeadValues>({
    initialValues: valuesOf(lead, first),
    validate: checks(words),
    validateInputOnBlur: true,
  });
  const problem = useFormProblem(form, {}, (field) => `${id}-${field}`);
  useEffect(() => {
    if (existing !== null) duplicate.current?.focus();
  }, [existing]);
  useEffect(() => {
    if (lead === null) document.getElementById(`${id}-name`)?.focus();
  }, [id, lead]);

  async function submit(values: LeadValues) {
    setExisting(null);
    problem.clear();
    try {
      if (lead === null) {
        const made = await add.mutateAsync(newBody(values));
        tell(made.warnings.includes('same_person') ? t.leads.drawer.samePerson : t.leads.drawer.added);
      } else {
        await save.mutateAsync(changedBody(lead, values));
        tell(t.leads.drawer.saved);
      }
      leave();
    } catch (error) {
      const known = toProblem(error);
      if (known.code === 'duplicate_lead') setExisting(String(known.body.existing_id));
      else problem.show(known);
    }
  }

  /** Closes without asking. */
  function leave() {
    isLeaving.current = true;
    onClose();
  }

  function openExisting(other: string) {
    isLeaving.current = true;
    void change({ lead: other });
  }

  const required = (label: string) => `${label} (${t.parts.required})`;
  const field = (name: keyof LeadValues) => ({ id: `${id}-${name}`, ...form.getInputProps(name) });
  return (
    <form
      onSubmit={form.onSubmit(
        (values) => void submit(values),
        (errors) => focusFirst(id, errors),
      )}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      }}
      noValidate
      data-testid="leads-form"
    >
      <UnsavedGuard isDirty={form.isDirty()} isLeaving={isLeaving} />
      <Stack gap="md">
        <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        {existing !== null && (
          <Alert
            color="yellow"
            icon={<UserCheck aria-hidden />}
            role="alert"
            tabIndex={-1}
            ref={duplicate}
            data-testid="leads-form-duplicate"
          >
            <Text size="sm">{t.leads.drawer.duplicate}</Text>
            <Anchor
              component="button"
              type="button"
              size="sm"
              fw={600}
              onClick={() => openExisting(existing)}
              data-testid="leads-form-existing"
            >
              {t.leads.drawer.openExisting}
            </Anchor>
          </Alert>
        )}
        <TextInput
          label={required(words.name)}
          required
          withAsterisk={false}
          autoComplete="off"
          dir="auto"
          data-autofocus
          maxLength={200}
          {...field('name')}
          data-testid="leads-form-name"
        />
        <TextInput
          label={required(words.phone)}
          description={phoneHint()}
          required
          withAsterisk={false}
          type="tel"
          autoComplete="off"
          {...field('phone')}
          data-testid="leads-form-phone"
        />
        <Select
          label={required(words.device)}
          description={words.deviceHint}
          required
          withAsterisk={false}
          data={devices.map((device) => ({ value: device.id, label: device.name }))}
          searchable
          allowDeselect={false}
          nothingFoundMessage={t.leads.filters.nothing}
          {...field('device_id')}
          data-testid="leads-form-device"
        />
        <EntriesInput
          label={words.niche}
          description={words.nicheHint}
          known={facets?.niches}
          clearable
          {...field('niche')}
          data-testid="leads-form-niche"
        />
        <Input.Wrapper label={words.target} labelElement="div">
          <div>
            <SegmentedControl
              mt={4}
              aria-label={words.target}
              data={(['prospect', 'customer'] as const).map((value) => ({ value, label: t.states.target[value] }))}
              {...form.getInputProps('target_status')}
              data-testid="leads-form-target"
            />
          </div>
        </Input.Wrapper>
        <EntriesInput
          label={words.trigger}
          description={words.triggerHint}
          known={facets?.triggers}
          clearable
          {...field('trigger')}
          data-testid="leads-form-trigger"
        />
        <Textarea
          label={words.note}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={4000}
          dir="auto"
          {...field('additional_note')}
          data-testid="leads-form-note"
        />
        {lead === null && (
          <Textarea
            label={words.consent}
            description={words.consentHint}
            autosize
            minRows={1}
            maxLength={4000}
            {...field('consent')}
            data-testid="leads-form-consent"
          />
        )}
        <ZoneSelect
          label={words.zone}
          placeholder={words.zoneNone}
          clearable
          {...field('time_zone')}
          data-testid="leads-form-zone"
        />
        <Fieldset legend={words.extra} variant="default">
          <Text size="xs" c="dimmed" mb="xs">
            {words.extraHint}
          </Text>
          <Stack gap="xs">
            {form.values.attributes.map((extra, index) => (
              <Group key={extra.key} gap="xs" align="flex-start" wrap="nowrap">
                <TextInput
                  aria-label={words.extraName}
                  placeholder={words.extraName}
                  maxLength={40}
                  autoComplete="off"
                  style={{ flex: 2 }}
                  {...form.getInputProps(`attributes.${index}.name`)}
                  data-testid="leads-form-extra-name"
                />
                <TextInput
                  aria-label={words.extraValue}
                  placeholder={words.extraValue}
                  maxLength={1000}
                  autoComplete="off"
                  style={{ flex: 3 }}
                  dir="auto"
                  {...form.getInputProps(`attributes.${index}.value`)}
                  data-testid="leads-form-extra-value"
                />
                <ActionIcon
                  aria-label={words.extraRemove(extra.name)}
                  onClick={() => form.removeListItem('attributes', index)}
                  mt={1}
                >
                  <Trash2 size={17} aria-hidden />
                </ActionIcon>
              </Group>
            ))}
            {form.errors.attributes && (
              <Text size="sm" c="red" id={`${id}-attributes`} tabIndex={-1}>
                {form.errors.attributes}
              </Text>
            )}
            <Group>
              <Button
                size="compact-sm"
                variant="subtle"
                leftSection={<Plus size={15} aria-hidden />}
                onClick={() => form.insertListItem('attributes', { key: Date.now(), name: '', value: '' })}
                data-testid="leads-form-extra-add"
              >
                {words.extraAdd}
              </Button>
            </Group>
          </Stack>
        </Fieldset>
        {lead !== null && (
          <>
            <LeadFacts lead={lead} />
            <DeleteLead lead={lead} onDeleted={leave} />
          </>
        )}
      </Stack>
      <Box pos="sticky" bottom={0} bg="var(--mantine-color-body)" pb="sm" style={{ zIndex: 2 }}>
        <SubmitRow
          label={lead === null ? t.leads.drawer.saveNew : t.leads.drawer.save}
          isBusy={add.isPending || save.isPending}
          disabled={lead !== null && !form.isDirty()}
          onCancel={onClose}
          data-testid="leads-form-save"
        />
      </Box>
    </form>
  );

  function phoneHint(): string {
    if (country === null) return words.phoneHint;
    return words.phoneHintCountry(new Intl.DisplayNames(['en'], { type: 'region' }).of(country) ?? country);
  }
}

function focusFirst(id: string, errors: object) {
  const name = Object.keys(errors)[0]?.split('.')[0];
  document.getElementById(`${id}-${name}`)?.focus();
}

function DeleteLead({ lead, onDeleted }: { lead: Lead; onDeleted: () => void }) {
  const t = useWords().leads;
  const [isAsking, setAsking] = useState(false);
  const remove = useDeleteLead();
  return (
    <>
      <Button
        variant="subtle"
        color="red"
        size="compact-md"
        leftSection={<Trash2 size={16} aria-hidden />}
        style={{ alignSelf: 'flex-start' }}
        onClick={() => setAsking(true)}
        data-testid="leads-form-delete"
      >
        {t.drawer.delete}
      </Button>
      <ConfirmDelete
        opened={isAsking}
        onClose={() => setAsking(false)}
        title={t.deleteOne.title(lead.name)}
        action={t.deleteOne.action}
        losses={[t.deleteOne.loss(lead.name)]}
        stays={t.bulk.deleteStays}
        onConfirm={async () => {
          await remove.mutateAsync(lead.id);
          tell(t.deleteOne.done);
          onDeleted();
        }}
        data-testid="leads-delete-confirm"
      />
    </>
  );
}
