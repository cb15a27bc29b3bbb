// A campaign's first tab: what was decided, and what people see.
import { Box, SimpleGrid, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Moment } from '@/parts/Moment';
import { Section } from '@/parts/Section';
import { useDevices } from '@/devices/hooks';
import { useWords } from '@/words';
import { entries, fileOfCampaign } from './editor/draft';
import { PreviewPanel } from './PreviewPanel';
import type { Campaign } from './types';

export function Overview({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.page;
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Section title={t.details}>
        <Facts campaign={campaign} />
      </Section>
      <Section title={t.preview}>
        <PreviewPanel message={campaign.message ?? ''} file={fileOfCampaign(campaign)} niche={campaign.niche} target={campaign.target_status} />
      </Section>
    </SimpleGrid>
  );
}

function Facts({ campaign }: { campaign: Campaign }) {
  const t = useWords();
  const words = t.campaigns.page.facts;
  const isPlanned = campaign.campaign_date !== null || campaign.time_schedule !== null;
  const facts: [string, ReactNode][] = [
    [words.audience, campaign.niche === 'all' ? t.campaigns.allNiches : entries(campaign.niche).join(', ')],
    [words.target, t.states.target[campaign.target_status] ?? campaign.target_status],
    [words.when, isPlanned ? <Moment at={campaign.scheduled_at} as="full" /> : words.now],
    [words.started, <Moment at={campaign.started_at} as="full" />],
    [words.finished, <Moment at={campaign.finished_at} as="full" />],
    [words.delays, words.delayRange(campaign.min_delay_seconds, campaign.max_delay_seconds)],
    [words.devices, <DeviceNames ids={campaign.device_ids} />],
    [words.offline, campaign.when_offline === 'wait' ? words.offlineWait : words.offlineSkip],
    [words.created, <Moment at={campaign.created_at} as="full" />],
  ];
  return (
    <Table variant="vertical" withRowBorders={false} verticalSpacing={6} data-testid="campaigns-overview-facts">
      <Table.Tbody>
        {facts.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={170} fw={500} c="dimmed" bg="transparent" style={{ verticalAlign: 'top' }}>
              {name}
            </Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function DeviceNames({ ids }: { ids: string[] | null }) {
  const t = useWords().campaigns.page.facts;
  const devices = useDevices();
  if (ids === null) return t.allDevices;
  const names = ids.flatMap((id) => devices.data?.find((device) => device.id === id)?.name ?? []);
  return (
    <Box>
      {t.someDevices(ids.length)}
      {names.length > 0 && (
        <Text size="xs" c="dimmed" lineClamp={3}>
          {names.join(', ')}
        </Text>
      )}
    </Box>
  );
}
