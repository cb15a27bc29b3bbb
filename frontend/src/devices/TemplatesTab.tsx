// The templates of a Cloud number: what WhatsApp approved and what it did not, read anew on request.
import { Badge, Button, Text } from '@mantine/core';
import { FileText, KeyRound, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import type { Device, Template } from '@/api/types';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useSyncTemplates, useTemplates } from './kindHooks';
import { ReplaceToken } from './ReplaceToken';

export function TemplatesTab({ device }: { device: Device }) {
  const t = useWords().kinds.templates;
  const mayEdit = useMay('operator');
  const list = useTemplates(device.id);
  const sync = useSyncTemplates(device.id);
  const [run, isBusy] = useAction();
  const [isGiving, setGiving] = useState(false);
  const hasBusiness = Boolean(device.number?.business_id);
  const readAt = list.rows.reduce((latest, row) => (row.synced_at > latest ? row.synced_at : latest), '');
  const refresh = mayEdit && hasBusiness && (
    <Button
      variant="default"
      size="xs"
      loading={isBusy}
      leftSection={<RefreshCw size={14} aria-hidden />}
      onClick={() => void run(async () => tell(t.refreshed((await sync.mutateAsync()).count)))}
      data-testid="templates-refresh"
    >
      {t.refresh}
    </Button>
  );
  return (
    <Section
      title={t.title}
      hint={
        <>
          {t.hint}{' '}
          {readAt !== '' && (
            <>
              {t.read}: <Moment at={readAt} as="full" size="sm" c="dimmed" />
            </>
          )}
        </>
      }
      actions={refresh}
      data-testid="device-templates"
    >
      {hasBusiness ? (
        <DataTable
          label={t.list}
          columns={columns(t)}
          list={list}
          rowId={(row) => `${row.name} ${row.language}`}
          empty={<EmptyState icon={FileText} words={t.none} hint={t.noneHint} />}
          data-testid="templates-table"
        />
      ) : (
        <EmptyState
          icon={FileText}
          words={t.noBusiness}
          action={
            mayEdit && (
              <Button leftSection={<KeyRound size={16} aria-hidden />} onClick={() => setGiving(true)} data-testid="templates-give-business">
                {t.giveBusiness}
              </Button>
            )
          }
        />
      )}
      {isGiving && <ReplaceToken device={device} onClose={() => setGiving(false)} />}
    </Section>
  );
}

type Words = ReturnType<typeof useWords>['kinds']['templates'];

function columns(t: Words): Column<Template>[] {
  return [
    {
      key: 'name',
      header: t.columns.name,
      onPhone: 'title',
      render: (row) => (
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {row.name}
        </Text>
      ),
    },
    { key: 'language', header: t.columns.language, onPhone: 'main', render: (row) => row.language },
    { key: 'category', header: t.columns.category, render: (row) => t.categories[row.category.toLowerCase()] ?? row.category },
    { key: 'status', header: t.columns.status, onPhone: 'main', render: (row) => <Status row={row} /> },
    {
      key: 'body',
      header: t.columns.body,
      render: (row) => (
        <Text size="sm" lineClamp={3} maw={420} style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>
          {row.header !== '' && (
            <Text span size="sm" c="dimmed">
              ({t.header[row.header] ?? row.header}){' '}
            </Text>
          )}
          {row.body}
        </Text>
      ),
    },
  ];
}

/** "INVALID_FORMAT" as people read it; sentences stay as they are. */
export function readable(code: string): string {
  if (!/^[A-Z][A-Z_]+$/.test(code)) return code;
  return code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ');
}

/** The status as a word, and below it why, when there is something to say. */
function Status({ row }: { row: Template }) {
  const t = useWords().kinds.templates;
  const [word, colour] = t.statuses[row.status.toLowerCase()] ?? [row.status, 'gray'];
  const why = row.cannot || readable(row.why);
  return (
    <div>
      <Badge color={colour} tt="none" className={`hantar-state hantar-state-${colour}`} data-testid="template-status">
        {word}
      </Badge>
      {why && (
        <Text size="xs" c="dimmed" maw={260}>
          {why}
        </Text>
      )}
    </div>
  );
}
