// What the list shows: search, target status, niche, trigger, device. What is set stands below as pills.
import { SegmentedControl, Select } from '@mantine/core';
import { useDevices } from '@/devices/hooks';
import { FilterBar, type ActiveFilter } from '@/parts/FilterBar';
import { number } from '@/words/count';
import { useWords, type Words } from '@/words';
import { consentFilters, filterKeys, isFiltered, noFilter, type FilterKey, type LeadSearch } from './filter';
import { useImportName } from './imports/hooks';
import type { Facets } from './types';

interface Props {
  search: LeadSearch;
  onChange: (changes: LeadSearch) => Promise<void>;
  facets: Facets | undefined;
  deviceId?: string;
}

export function LeadFilters({ search, onChange, facets, deviceId }: Props) {
  const t = useWords();
  const { data: devices = [] } = useDevices();
  const importName = useImportName(search.import);
  const words = t.leads.filters;
  const names = new Map(devices.map((device) => [device.id, device.name]));
  const keys = filterKeys.filter((key) => search[key] !== undefined && (deviceId === undefined || key !== 'device'));
  const active: ActiveFilter[] = keys.map((key) => ({
    key,
    label: pill(t, key, search[key] ?? '', names, importName),
    onRemove: () => void onChange({ [key]: undefined }),
  }));
  return (
    <FilterBar
      search={{ value: search.q ?? '', onChange: (q) => void onChange({ q: q || undefined }), placeholder: words.search }}
      active={active}
      onClear={isFiltered(search) ? () => void onChange(noFilter) : undefined}
    >
      <SegmentedControl
        aria-label={words.status}
        value={search.status ?? 'all'}
        onChange={(status) => void onChange({ status: status === 'all' ? undefined : (status as LeadSearch['status']) })}
        data={['all', 'prospect', 'customer'].map((status) => ({ value: status, label: statusLabel(t, status, facets) }))}
        data-testid="leads-filter-status"
      />
      <Select
        aria-label={words.niche}
        placeholder={words.anyNiche}
        data={withCounts(facets?.niches, search.niche, words.option)}
        value={search.niche ?? null}
        onChange={(niche) => void onChange({ niche: niche ?? undefined })}
        searchable
        clearable
        limit={100}
        nothingFoundMessage={words.nothing}
        style={{ flex: '1 1 150px', maxWidth: 220 }}
        data-testid="leads-filter-niche"
      />
      <Select
        aria-label={words.trigger}
        placeholder={words.anyTrigger}
        data={[
          { value: 'has', label: words.hasTrigger },
          { value: 'none', label: words.noTrigger },
          {
            group: words.named,
            items: withCounts(facets?.triggers, search.trigger, words.option).filter(
              ({ value }) => value !== 'has' && value !== 'none',
            ),
          },
        ]}
        value={search.trigger ?? null}
        onChange={(trigger) => void onChange({ trigger: trigger ?? undefined })}
        searchable
        clearable
        limit={100}
        nothingFoundMessage={words.nothing}
        style={{ flex: '1 1 150px', maxWidth: 220 }}
        data-testid="leads-filter-trigger"
      />
      <Select
        aria-label={words.consent}
        placeholder={words.anyConsent}
        data={consentFilters.map((value) => ({ value, label: words.consents[value] ?? value }))}
        value={search.consent ?? null}
        onChange={(value) => void onChange({ consent: consentFilters.find((each) => each === value) })}
        clearable
        style={{ flex: '1 1 150px', maxWidth: 200 }}
        data-testid="leads-filter-consent"
      />
      {deviceId === undefined && devices.length > 1 && (
        <Select
          aria-label={words.device}
          placeholder={words.anyDevice}
          data={devices.map((device) => ({ value: device.id, label: device.name }))}
          value={search.device ?? null}
          onChange={(device) => void onChange({ device: device ?? undefined })}
          searchable
          clearable
          limit={100}
          nothingFoundMessage={words.nothing}
          style={{ flex: '1 1 150px', maxWidth: 220 }}
          data-testid="leads-filter-device"
        />
      )}
    </FilterBar>
  );
}

function statusLabel(t: Words, status: string, facets: Facets | undefined): string {
  const name = status === 'all' ? t.leads.filters.all : (t.states.target[status] ?? status);
  const n = status === 'all' ? facets?.total : facets?.target_status[status];
  return n === undefined ? name : `${name} ${number(n)}`;
}

/** Entries with how many leads have them; the chosen one is there even when nobody has it any more. */
function withCounts(entries: Facets['niches'] = [], chosen: string | undefined, label: (name: string, n: number) => string) {
  const options = entries.map(({ name, count }) => ({ value: name, label: label(name, count) }));
  const isKnown = chosen === undefined || chosen === 'has' || chosen === 'none' || options.some(({ value }) => value === chosen);
  return isKnown ? options : [{ value: chosen, label: chosen }, ...options];
}

function pill(t: Words, key: FilterKey, value: string, devices: Map<string, string>, importName: string | undefined): string {
  const words = t.leads.filters.pill;
  switch (key) {
    case 'q':
      return words.q(value);
    case 'status':
      return words.status(t.states.target[value] ?? value);
    case 'niche':
      return words.niche(value);
    case 'trigger':
      return value === 'has' ? words.has : value === 'none' ? words.none : words.trigger(value);
    case 'device':
      return words.device(devices.get(value) ?? words.unknownDevice);
    case 'import':
      return words.import(importName ?? words.unknownImport);
    case 'consent':
      return t.leads.filters.consents[value] ?? value;
  }
}
