// Step 3: now or later, pauses, devices, what happens when one is offline or the start is missed, and when it would end.
import '@mantine/dates/styles.css';
import { Group, Input, MultiSelect, NumberInput, Radio, RangeSlider, Select, SimpleGrid, Stack } from '@mantine/core';
import { TimePicker } from '@mantine/dates';
import { ZoneSelect } from '@/accounts/ZoneSelect';
import { useDevices } from '@/devices/hooks';
import { useWords } from '@/words';
import { DayInput } from '../DayInput';
import type { LatePolicy, WhenOffline } from '../types';
import { dayIn, DELAYS, LONGEST_DELAY } from './draft';
import { Estimate } from './Estimate';
import { fieldId } from './fieldId';
import type { DraftForm } from './useDraftForm';

export function WhenStep({ form }: { form: DraftForm }) {
  return (
    <Stack gap="lg">
      <StartField form={form} />
      <DelayFields form={form} />
      <DeviceField form={form} />
      <OfflineField form={form} />
      <Estimate draft={form.values} />
    </Stack>
  );
}

function StartField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.when;
  const { is_now, time_zone } = form.values;
  return (
    <Stack gap="sm">
      <Radio.Group label={t.start} value={is_now ? 'now' : 'later'} onChange={(value) => form.setFieldValue('is_now', value === 'now')}>
        <Stack gap="xs" mt={6}>
          <Radio value="now" label={t.now} data-testid="campaigns-when-now" />
          <Radio value="later" label={t.later} data-testid="campaigns-when-later" />
        </Stack>
      </Radio.Group>
      {!is_now && (
        <>
          <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
            <DayInput
              id={fieldId('campaign_date')}
              label={t.date}
              required
              minDate={dayIn(time_zone)}
              valueFormat="ddd D MMM YYYY"
              {...form.getInputProps('campaign_date')}
              data-testid="campaigns-when-date"
            />
            <TimePicker
              id={fieldId('time_schedule')}
              label={t.time}
              required
              format="24h"
              withDropdown
              minutesStep={5}
              hoursInputLabel={t.hours}
              minutesInputLabel={t.minutes}
              {...form.getInputProps('time_schedule')}
              data-testid="campaigns-when-time"
            />
            <ZoneSelect
              {...form.getInputProps('time_zone')}
              id={fieldId('time_zone')}
              label={t.zone}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              data-testid="campaigns-when-zone"
            />
          </SimpleGrid>
          <LateField form={form} />
        </>
      )}
    </Stack>
  );
}

function LateField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.when;
  return (
    <Select
      label={t.late}
      data={[
        { value: 'ask', label: t.lateAsk },
        { value: 'run', label: t.lateRun },
        { value: 'skip', label: t.lateSkip },
      ]}
      value={form.values.late_policy}
      onChange={(value) => form.setFieldValue('late_policy', (value ?? 'ask') as LatePolicy)}
      allowDeselect={false}
      maw={340}
      data-testid="campaigns-when-late"
    />
  );
}

/** The slider reaches two minutes; longer pauses are typed. */
const SLIDER_END = 120;

function DelayFields({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.when;
  const low = asNumber(form.values.min_delay_seconds, DELAYS[0]);
  const high = asNumber(form.values.max_delay_seconds, DELAYS[1]);
  function slide([from, to]: [number, number]) {
    form.setFieldValue('min_delay_seconds', from);
    form.setFieldValue('max_delay_seconds', to);
    form.clearFieldError('max_delay_seconds');
  }
  return (
    <Input.Wrapper label={t.delays} description={t.delaysHint} labelElement="div">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" mt="xs">
        {(['min', 'max'] as const).map((end) => (
          <NumberInput
            key={end}
            id={fieldId(`${end}_delay_seconds`)}
            label={t[end]}
            required
            min={0}
            max={LONGEST_DELAY}
            clampBehavior="none"
            allowNegative={false}
            {...form.getInputProps(`${end}_delay_seconds`)}
            data-testid={`campaigns-when-${end}`}
          />
        ))}
      </SimpleGrid>
      <RangeSlider
        mt="lg"
        mb="lg"
        mx={8}
        min={0}
        max={SLIDER_END}
        minRange={0}
        step={1}
        value={[Math.min(low, SLIDER_END), Math.min(Math.max(low, high), SLIDER_END)]}
        onChange={slide}
        thumbFromLabel={t.rangeMin}
        thumbToLabel={t.rangeMax}
        marks={[0, 30, 60, 90, 120].map((value) => ({ value, label: String(value) }))}
        data-testid="campaigns-when-slider"
      />
    </Input.Wrapper>
  );
}

function asNumber(value: number | string, otherwise: number): number {
  const n = Number(value);
  return value === '' || !Number.isFinite(n) ? otherwise : n;
}

function DeviceField({ form }: { form: DraftForm }) {
  const t = useWords();
  const words = t.campaigns.editor.when;
  const devices = useDevices();
  const { has_all_devices } = form.values;
  return (
    <Radio.Group
      label={words.devices}
      description={words.devicesHint}
      value={has_all_devices ? 'all' : 'chosen'}
      onChange={(value) => form.setFieldValue('has_all_devices', value === 'all')}
    >
      <Stack gap="xs" mt={6}>
        <Radio value="all" label={words.allDevices} data-testid="campaigns-when-all-devices" />
        <Radio value="chosen" label={words.chosenDevices} data-testid="campaigns-when-chosen-devices" />
        {!has_all_devices && (
          <MultiSelect
            id={fieldId('device_ids')}
            aria-label={words.choose}
            placeholder={form.values.device_ids.length === 0 ? words.choose : undefined}
            data={(devices.data ?? []).map((device) => ({
              value: device.id,
              label: words.device(device.name, t.states.device[device.state] ?? device.state),
            }))}
            searchable
            clearable
            hidePickedOptions
            {...form.getInputProps('device_ids')}
            data-testid="campaigns-when-devices"
          />
        )}
      </Stack>
    </Radio.Group>
  );
}

function OfflineField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.when;
  return (
    <Radio.Group label={t.offline} value={form.values.when_offline} onChange={(value) => form.setFieldValue('when_offline', value as WhenOffline)}>
      <Group mt={6}>
        <Radio value="wait" label={t.offlineWait} data-testid="campaigns-when-wait" />
        <Radio value="skip" label={t.offlineSkip} data-testid="campaigns-when-skip" />
      </Group>
    </Radio.Group>
  );
}
