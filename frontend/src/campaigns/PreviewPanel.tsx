// The preview with a lead to try it on: picks a matching lead and says what it is missing.
import { Alert, Select, Stack } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { TriangleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { StoredFile } from '@/parts/files';
import { phone } from '@/parts/format';
import { useWords } from '@/words';
import { entries } from './editor/draft';
import { useSamples } from './hooks';
import { MessagePreview } from './MessagePreview';
import { missing } from './variables';
import type { Lead, Target } from './types';

interface Props {
  message: string;
  file: StoredFile | null;
  niche: string;
  target: Target;
  /** Told which lead is shown. */
  onSample?: (lead: Lead | null) => void;
}

export function PreviewPanel({ message, file, niche, target, onSample }: Props) {
  const t = useWords().campaigns.editor.preview;
  const { leads, lead, choose, search, setSearch } = useSample(niche, target, onSample);
  const gaps = lead === null ? [] : missing(message, lead);
  return (
    <Stack gap="sm">
      <Select
        label={t.sample}
        placeholder={leads.length === 0 && search === '' ? t.sampleNone : t.samplePlaceholder}
        data={leads.map((each) => ({ value: each.id, label: `${each.name} · ${phone(each.phone)}` }))}
        value={lead?.id ?? null}
        onChange={choose}
        searchable
        searchValue={search}
        onSearchChange={setSearch}
        filter={({ options }) => options}
        allowDeselect={false}
        size="sm"
        data-testid="campaigns-preview-sample"
      />
      <MessagePreview message={message} file={file} sample={lead} />
      {gaps.length > 0 && (
        <Alert color="yellow" variant="light" icon={<TriangleAlert aria-hidden />} py="xs" role="status" data-testid="campaigns-preview-missing">
          {t.missing(gaps.map((name) => `“${name}”`).join(', '))}
        </Alert>
      )}
    </Stack>
  );
}

/** The chosen lead, or the first that matches. The search goes to the server unless it is the chosen label itself. */
function useSample(niche: string, target: Target, onSample?: (lead: Lead | null) => void) {
  const [chosen, setChosen] = useState<Lead | null>(null);
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.includes(' · ') ? '' : search, 300);
  const only = entries(niche);
  const samples = useSamples({
    niche: niche === 'all' || only.length !== 1 ? undefined : only[0],
    target_status: target === 'all' ? undefined : target,
    q: asked || undefined,
  });
  const found = samples.data?.items ?? [];
  const lead = chosen ?? found[0] ?? null;
  const leads = lead !== null && !found.some((each) => each.id === lead.id) ? [lead, ...found] : found;
  const choose = (id: string | null) => setChosen(leads.find((each) => each.id === id) ?? null);
  useEffect(() => onSample?.(lead), [lead, onSample]);
  return { leads, lead, choose, search, setSearch };
}
