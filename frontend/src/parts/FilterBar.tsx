// Filters of a list: the controls, what is set as removable pills, and one Clear. `/` jumps to the search.
import { Button, CloseButton, Group, Pill, Stack, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Search } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useWords } from '@/words';

export interface ActiveFilter {
  key: string;
  /** "Niche: FITNESS" */
  label: string;
  onRemove: () => void;
}

interface Props {
  search?: { value: string; onChange: (value: string) => void; placeholder: string };
  children?: ReactNode;
  active?: ActiveFilter[];
  onClear?: () => void;
}

export function FilterBar({ search, children, active = [], onClear }: Props) {
  const t = useWords().parts;
  return (
    <Stack gap="xs" mb="md" role="search" aria-label={t.filters}>
      <Group gap="sm">
        {search !== undefined && <SearchField {...search} />}
        {children}
      </Group>
      {active.length > 0 && (
        <Group gap={6}>
          {active.map((filter) => (
            <Pill
              key={filter.key}
              size="md"
              withRemoveButton
              onRemove={filter.onRemove}
              removeButtonProps={{ 'aria-label': t.removeFilter(filter.label), 'aria-hidden': false, tabIndex: 0 }}
            >
              {filter.label}
            </Pill>
          ))}
          {onClear && (
            <Button size="compact-sm" variant="subtle" onClick={onClear} data-testid="filter-clear">
              {t.clearFilters}
            </Button>
          )}
        </Group>
      )}
    </Stack>
  );
}

/** Searches 300 ms after the last letter. */
function SearchField({ value, onChange, placeholder }: { value: string; onChange: (value: string) => void; placeholder: string }) {
  const t = useWords().parts;
  const [text, setText] = useState(value);
  const report = useDebouncedCallback(onChange, 300);
  useEffect(() => setText(value), [value]);
  function change(next: string) {
    setText(next);
    report(next);
  }
  return (
    <TextInput
      type="search"
      aria-label={placeholder}
      placeholder={placeholder}
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
      leftSection={<Search size={16} aria-hidden />}
      rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t.clearFilters} onClick={() => change('')} />}
      style={{ flex: '1 1 240px', maxWidth: 420 }}
      data-page-search
      data-testid="filter-search"
    />
  );
}
