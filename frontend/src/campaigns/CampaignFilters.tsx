// Filters of the campaign list; what is set lives in the address.
import { Select } from '@mantine/core';
import { FilterBar, type ActiveFilter } from '@/parts/FilterBar';
import { formatIn } from '@/parts/format';
import { useWords } from '@/words';
import { DayInput } from './DayInput';
import { useNiches } from './hooks';
import { statuses, targets, type ListSearch } from './routes';

interface Props {
  search: ListSearch;
  onChange: (change: ListSearch) => void;
  onClear: () => void;
}

export function CampaignFilters({ search, onChange, onClear }: Props) {
  const t = useWords();
  const words = t.campaigns.filters;
  const niches = useNiches();
  return (
    <FilterBar
      search={{ value: search.q ?? '', onChange: (q) => onChange({ q: q || undefined }), placeholder: t.campaigns.search }}
      active={useActive(search, onChange)}
      onClear={onClear}
    >
      <Select
        aria-label={words.status}
        placeholder={words.status}
        data={statuses.map((value) => ({ value, label: t.states.campaign[value] ?? value }))}
        value={search.status ?? null}
        onChange={(status) => onChange({ status: statuses.find((each) => each === status) })}
        clearable
        w={150}
        data-testid="campaigns-filter-status"
      />
      <Select
        aria-label={words.niche}
        placeholder={words.anyNiche}
        data={niches.data?.niches.map((niche) => niche.name) ?? []}
        value={search.niche ?? null}
        onChange={(niche) => onChange({ niche: niche ?? undefined })}
        searchable
        clearable
        limit={60}
        w={170}
        data-testid="campaigns-filter-niche"
      />
      <Select
        aria-label={words.target}
        placeholder={words.anyTarget}
        data={targets.map((value) => ({ value, label: t.states.target[value] ?? value }))}
        value={search.target_status ?? null}
        onChange={(target) => onChange({ target_status: targets.find((each) => each === target) })}
        clearable
        w={150}
        data-testid="campaigns-filter-target"
      />
      <DayInput
        aria-label={words.from}
        placeholder={words.from}
        value={search.start_date ?? null}
        onChange={(start_date) => onChange({ start_date: start_date ?? undefined })}
        clearable
        w={150}
      />
      <DayInput
        aria-label={words.to}
        placeholder={words.to}
        value={search.end_date ?? null}
        onChange={(end_date) => onChange({ end_date: end_date ?? undefined })}
        minDate={search.start_date}
        clearable
        w={150}
      />
    </FilterBar>
  );
}

/** "2026-12-03" as "Thu 3 Dec 2026". */
function dayWords(day: string): string {
  return formatIn('UTC').day(`${day}T12:00:00Z`);
}

function useActive(search: ListSearch, onChange: (change: ListSearch) => void): ActiveFilter[] {
  const t = useWords();
  const words = t.campaigns.filters;
  const labels: [keyof ListSearch, (value: string) => string][] = [
    ['q', words.qIs],
    ['status', (value) => words.statusIs(t.states.campaign[value] ?? value)],
    ['niche', words.nicheIs],
    ['target_status', (value) => words.targetIs(t.states.target[value] ?? value)],
    ['start_date', (value) => words.fromIs(dayWords(value))],
    ['end_date', (value) => words.toIs(dayWords(value))],
  ];
  return labels.flatMap(([key, label]) => {
    const value = search[key];
    return value === undefined ? [] : [{ key, label: label(value), onRemove: () => onChange({ [key]: undefined }) }];
  });
}
