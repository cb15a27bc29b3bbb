// The consent ledger: who agreed to what, in which words; append-only, with the proof as a file.
import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { Download, FileCheck2, Plus } from 'lucide-react';
import { useState } from 'react';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { GiveConsent } from './GiveConsent';
import { useConsents } from './personHooks';
import type { Consent } from './types';

const route = getRouteApi('/shell/consent/$tab');

export function Ledger() {
  const t = useWords().consent.ledger;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useConsents({ phone: search.phone, person_id: search.person });
  const [isGiving, setGiving] = useState(false);
  const [text, setText] = useState(search.phone ?? '');
  const look = useDebouncedCallback((phone: string) => void navigate({ search: { phone: phone.length >= 7 ? phone : undefined }, replace: true }), 400);
  const isFiltered = search.phone !== undefined || search.person !== undefined;
  const clear = () => {
    setText('');
    void navigate({ search: {}, replace: true });
  };
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <Text c="dimmed" size="sm" maw={620}>
          {t.lead}
        </Text>
        <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setGiving(true)} data-page-new data-testid="consents-add">
          {t.record}
        </Button>
      </Group>
      <TextInput
        type="search"
        aria-label={t.byNumber}
        placeholder={t.byNumber}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          look(event.currentTarget.value.trim());
        }}
        maw={360}
        data-page-search
        data-testid="consents-search"
      />
      <DataTable
        label={t.list}
        columns={useColumns()}
        list={list}
        rowId={(row) => row.id}
        empty={isFiltered ? <NothingMatches onClear={clear} /> : <EmptyState icon={FileCheck2} words={t.empty} hint={t.emptyHint} />}
        rowActions={(row) => (
          <Button
            component="a"
            href={`/api/consents/export?person_id=${row.person_id}`}
            download
            size="compact-sm"
            variant="subtle"
            leftSection={<Download size={14} aria-hidden />}
            aria-label={t.proofOf(row.name || (row.phone ?? t.someone))}
          >
            {t.proof}
          </Button>
        )}
        data-testid="consents-list"
      />
      {isGiving && <GiveConsent onClose={() => setGiving(false)} />}
    </Stack>
  );
}

function useColumns(): Column<Consent>[] {
  const t = useWords().consent;
  const words = t.ledger;
  const colors = { live: 'green', withdrawn: 'gray', expired: 'gray' } as const;
  return [
    {
      key: 'who',
      header: words.columns.who,
      onPhone: 'title',
      render: (row) => (
        <Stack gap={0} style={{ minWidth: 150 }}>
          {row.name !== '' && (
            <Text size="sm" fw={600} lineClamp={1}>
              {row.name}
            </Text>
          )}
          {row.phone === null ? (
            <Text size="sm" c="dimmed">
              {t.optOuts.unknownNumber}
            </Text>
          ) : (
            <Phone digits={row.phone} />
          )}
        </Stack>
      ),
    },
    {
      key: 'wording',
      header: words.columns.wording,
      onPhone: 'main',
      render: (row) => (
        <Text size="sm" lineClamp={2} maw={320} style={{ overflowWrap: 'anywhere' }}>
          “{row.wording}”
        </Text>
      ),
    },
    { key: 'purpose', header: words.columns.purpose, render: (row) => words.purposes[row.purpose] ?? row.purpose },
    {
      key: 'source',
      header: words.columns.source,
      onPhone: 'main',
      render: (row) => (
        <Text size="sm">
          {words.sources[row.source] ?? row.source}
          {row.import_name !== null && ` (${row.import_name})`}
        </Text>
      ),
    },
    { key: 'given', header: words.columns.given, render: (row) => <Moment at={row.given_at} /> },
    {
      key: 'state',
      header: words.columns.state,
      onPhone: 'main',
      render: (row) => (
        <Badge color={colors[row.state]} tt="none" className={`hantar-state-${colors[row.state]}`}>
          {words.states[row.state]}
        </Badge>
      ),
    },
  ];
}
