// All messages of a campaign: by status, searchable, with the reason in words; unconfirmed ones can be settled.
import { Anchor, Button, Chip, Group, Stack, Text } from '@mantine/core';
import { Download, Users } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { Why } from '@/consent/Why';
import { DataTable, type Column } from '@/parts/DataTable';
import { EmptyState, NothingMatches } from '@/parts/EmptyState';
import { FilterBar } from '@/parts/FilterBar';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { useWords } from '@/words';
import { WAITING, waiting } from './actions';
import { address, useCampaignMessages } from './hooks';
import { ResolveDialog } from './ResolveDialog';
import type { CampaignSearch } from './routes';
import { StatusCell, whyWords } from './StatusCell';
import type { Campaign, Message } from './types';

const chips = [WAITING, 'sent', 'delivered', 'read', 'failed', 'skipped', 'unconfirmed'];

interface Props {
  campaign: Campaign;
  search: CampaignSearch;
  onSearch: (change: CampaignSearch) => void;
}

export function Recipients({ campaign, search, onSearch }: Props) {
  const words = useWords().campaigns;
  const t = words.recipients;
  const mayAct = useMay('operator');
  const [settling, setSettling] = useState<Message | null>(null);
  const filter = { status: search.status, q: search.q };
  const list = useCampaignMessages(campaign.id, filter);
  const isFiltered = search.status !== undefined || search.q !== undefined;
  const clear = () => onSearch({ status: undefined, q: undefined });
  return (
    <Stack gap="xs">
      <FilterBar search={{ value: search.q ?? '', onChange: (q) => onSearch({ q: q || undefined }), placeholder: t.search }}>
        <Button
          component="a"
          href={address(`/api/campaigns/${campaign.id}/messages`, { ...filter, format: 'csv' })}
          download
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          aria-label={t.csvOf}
          data-testid="campaigns-recipients-csv"
        >
          {t.csv}
        </Button>
      </FilterBar>
      <StatusChips campaign={campaign} value={search.status} onChange={(status) => onSearch({ status })} />
      <DataTable
        label={words.page.tabs.recipients}
        columns={useColumns()}
        list={list}
        rowId={(message) => message.id}
        rowActions={(message) => (
          <Group gap={4} wrap="nowrap" justify="flex-end">
            {mayAct && <Settle message={message} onSettle={setSettling} />}
            <Why messageId={message.id} name={message.name || message.phone} />
          </Group>
        )}
        empty={isFiltered ? <NothingMatches onClear={clear} /> : <EmptyState icon={Users} words={t.empty} hint={t.emptyHint} />}
        data-testid="campaigns-recipients-table"
      />
      {settling !== null && <ResolveDialog message={settling} onClose={() => setSettling(null)} />}
    </Stack>
  );
}

function StatusChips({ campaign, value, onChange }: { campaign: Campaign; value: string | undefined; onChange: (status: string | undefined) => void }) {
  const t = useWords();
  const { counts } = campaign;
  const of: Record<string, number> = { ...counts, [WAITING]: waiting(counts) };
  const name = (status: string) => (status === WAITING ? t.campaigns.counts.waiting : (t.states.message[status] ?? status));
  return (
    <Chip.Group value={value ?? 'all'} onChange={(next) => onChange(next === 'all' ? undefined : String(next))}>
      <Group gap={6} mb="sm" role="radiogroup" aria-label={t.campaigns.recipients.status}>
        {['all', ...chips].map((status) => (
          <Chip key={status} value={status} size="sm" data-testid={`campaigns-recipients-${status === WAITING ? 'waiting' : status}`}>
            {status === 'all'
              ? t.campaigns.editor.plan.reasonCount(t.campaigns.all, counts.total)
              : t.campaigns.editor.plan.reasonCount(name(status), of[status] ?? 0)}
          </Chip>
        ))}
      </Group>
    </Chip.Group>
  );
}

function Settle({ message, onSettle }: { message: Message; onSettle: (message: Message) => void }) {
  const t = useWords().campaigns.recipients;
  if (message.state !== 'unknown') return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      onClick={() => onSettle(message)}
      aria-label={t.settleOf(message.name || message.phone)}
      data-testid="campaigns-recipient-settle"
    >
      {t.settle}
    </Button>
  );
}

function useColumns(): Column<Message>[] {
  const t = useWords();
  const words = t.campaigns.recipients;
  return [
    { key: 'name', header: words.columns.name, render: (message) => <Name message={message} />, onPhone: 'title' },
    { key: 'phone', header: words.columns.phone, render: (message) => <Phone digits={message.phone} />, onPhone: 'main' },
    {
      key: 'status',
      header: words.columns.status,
      onPhone: 'main',
      render: (message) => <StatusCell status={message.status} state={message.state} />,
    },
    { key: 'why', header: words.columns.why, render: (message) => <Text size="sm">{whyWords(t, message) ?? '–'}</Text> },
    { key: 'device', header: words.columns.device, render: (message) => <Text size="sm" lineClamp={1}>{message.device_name}</Text> },
    { key: 'sent', header: words.columns.sent, render: (message) => <Moment at={message.sent_at} as="chat" /> },
  ];
}

/** The name, and the text as it was sent, folded away. */
function Name({ message }: { message: Message }) {
  const t = useWords().campaigns.recipients;
  const [isOpen, setOpen] = useState(false);
  return (
    <div style={{ maxWidth: 340 }}>
      <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {message.name || t.noName}
      </Text>
      {message.text && (
        <Anchor component="button" type="button" size="xs" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
          {t.text}
        </Anchor>
      )}
      {isOpen && (
        <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {message.text}
        </Text>
      )}
    </div>
  );
}
