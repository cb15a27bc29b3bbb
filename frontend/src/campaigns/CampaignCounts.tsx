// The messages of a campaign by where they stand; each number leads to the people behind it.
import { Group, Stack, Text } from '@mantine/core';
import { useWords } from '@/words';
import { number } from '@/words/count';
import { WAITING, waiting } from './actions';
import { CampaignLink } from './CampaignLink';
import type { Campaign } from './types';

export function CampaignCounts({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns;
  const { counts } = campaign;
  const share = (n: number) => (counts.sent === 0 ? undefined : t.counts.ofSent(t.percent(Math.round((1000 * n) / counts.sent) / 10)));
  const boxes: [name: string, words: string, value: number, status: string | undefined, hint?: string][] = [
    ['total', t.counts.total, counts.total, undefined],
    ['waiting', t.counts.waiting, waiting(counts), WAITING],
    ['sent', t.counts.sent, counts.sent, 'sent'],
    ['delivered', t.counts.delivered, counts.delivered, 'delivered', share(counts.delivered)],
    ['read', t.counts.read, counts.read, 'read', share(counts.read)],
    ['failed', t.counts.failed, counts.failed, 'failed'],
    ['skipped', t.counts.skipped, counts.skipped, 'skipped'],
    ['unconfirmed', t.counts.unconfirmed, counts.unconfirmed, 'unconfirmed'],
  ];
  const shown = boxes.filter(([name, , value]) => value > 0 || !['skipped', 'unconfirmed'].includes(name));
  return (
    <Group gap="xl" align="flex-start" style={{ rowGap: 'var(--mantine-spacing-sm)' }}>
      {shown.map(([name, words, value, status, hint]) => (
        <Stack key={name} gap={0} data-testid={`campaigns-count-${name}`} data-value={value}>
          <Text size="sm" c="dimmed">
            {words}
          </Text>
          <CampaignLink
            id={campaign.id}
            search={{ tab: 'recipients', status }}
            c="inherit"
            className="hantar-figure-number"
            style={{ fontSize: '1.3rem' }}
          >
            {number(value)}
          </CampaignLink>
          {hint !== undefined && (
            <Text size="xs" c="dimmed">
              {hint}
            </Text>
          )}
        </Stack>
      ))}
      {campaign.success_rate !== null && (
        <Stack gap={0} data-testid="campaigns-count-success">
          <Text size="sm" c="dimmed">
            {t.counts.successRate}
          </Text>
          <Text className="hantar-figure-number" style={{ fontSize: '1.3rem' }}>
            {t.percent(campaign.success_rate)}
          </Text>
        </Stack>
      )}
    </Group>
  );
}
