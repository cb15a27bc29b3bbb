// API keys: made with chosen scopes, shown once, revoked for good.
import { Anchor, Badge, Button, Code, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { KeyRound, Plus } from 'lucide-react';
import { useState } from 'react';
import { toProblem } from '@/api/problem';
import type { ApiKey } from '@/api/types';
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { tell } from '@/parts/toast';
import { useWords } from '@/words';
import { useApiKeys, useRevokeApiKey } from './hooks';
import { NewApiKey } from './NewApiKey';

export function ApiKeys() {
  const t = useWords().settings.keys;
  const keys = useApiKeys();
  const revoke = useRevokeApiKey();
  const [isMaking, making] = useDisclosure(false);
  const [leaving, setLeaving] = useState<ApiKey | null>(null);
  const columns: Column<ApiKey>[] = [
    { key: 'name', header: t.columns.name, onPhone: 'title', render: (key) => <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>{key.name}</Text> },
    { key: 'prefix', header: t.columns.prefix, onPhone: 'main', render: (key) => <Code>{key.prefix}…</Code> },
    {
      key: 'scopes',
      header: t.columns.scopes,
      render: (key) => (
        <Badge color="gray" tt="none" className="hantar-state-gray" title={key.scopes.map((scope) => t.scopeWords[scope] ?? scope).join(', ')}>
          {t.scopeCount(key.scopes.length)}
        </Badge>
      ),
    },
    { key: 'created', header: t.columns.created, render: (key) => <Moment at={key.created_at} /> },
    { key: 'used', header: t.columns.used, onPhone: 'main', render: (key) => <Moment at={key.last_used_at} as="relative" none={t.never} /> },
    { key: 'expires', header: t.columns.expires, render: (key) => <Moment at={key.expires_at} as="full" none={t.never} /> },
  ];
  return (
    <Section
      title={t.title}
      hint={
        <>
          {t.hint}{' '}
          <Anchor href="/api/docs" target="_blank" size="sm" underline="always" data-testid="keys-docs">
            {t.docs}
          </Anchor>
        </>
      }
      actions={
        <Button leftSection={<Plus size={16} aria-hidden />} onClick={making.open} data-page-new data-testid="keys-new">
          {t.new}
        </Button>
      }
    >
      <DataTable
        label={t.list}
        columns={columns}
        list={{
          rows: keys.data ?? [],
          total: keys.data?.length ?? null,
          isLoading: keys.isPending,
          problem: keys.isError ? toProblem(keys.error) : null,
          retry: () => void keys.refetch(),
        }}
        rowId={(key) => key.id}
        empty={<EmptyState icon={KeyRound} words={t.empty} hint={t.emptyHint} />}
        rowActions={(key) => (
          <Group justify="flex-end">
            <Button size="compact-sm" variant="subtle" color="red" onClick={() => setLeaving(key)} data-testid="keys-revoke">
              {t.revoke}
            </Button>
          </Group>
        )}
      />
      {isMaking && <NewApiKey onClose={making.close} />}
      {leaving && (
        <ConfirmDelete
          opened
          onClose={() => setLeaving(null)}
          title={t.revokeTitle(leaving.name)}
          action={t.revoke}
          words={t.revokeWords}
          onConfirm={async () => {
            await revoke.mutateAsync(leaving.id);
            tell(t.revoked);
          }}
        />
      )}
    </Section>
  );
}
