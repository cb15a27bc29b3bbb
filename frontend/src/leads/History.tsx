// Every message to one lead, the newest first: text, ticks, from which campaign, and the reason in words.
import { Box, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { MessageSquareDashed } from 'lucide-react';
import { useFollow } from '@/api/useLive';
import { CampaignLink } from '@/campaigns/CampaignLink';
import { useCampaign } from '@/campaigns/hooks';
import { StatusCell, whyWords } from '@/campaigns/StatusCell';
import { Why } from '@/consent/Why';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { useLeadMessages } from './hooks';
import type { Lead, Message } from './types';

export function History({ lead }: { lead: Lead }) {
  const t = useWords();
  const words = t.leads.history;
  const messages = useLeadMessages(lead.id);
  useFollow(lead.device_id === null ? null : `device:${lead.device_id}`);
  if (messages.problem !== null) return <FailedLoad problem={messages.problem} onRetry={messages.retry} />;
  if (messages.isLoading) return <Skeleton height={240} />;
  if (messages.rows.length === 0) return <EmptyState icon={MessageSquareDashed} words={words.empty} hint={words.emptyHint} />;
  return (
    <Stack gap="xs" pb="lg">
      <Stack gap="xs" component="ul" m={0} p={0} aria-label={words.title} data-testid="leads-history">
        {messages.rows.map((message) => (
          <Line key={message.id} message={message} />
        ))}
      </Stack>
      {messages.hasMore && (
        <Button variant="default" onClick={messages.loadMore} loading={messages.isLoadingMore} data-testid="leads-history-more">
          {words.more}
        </Button>
      )}
    </Stack>
  );
}

function Line({ message }: { message: Message }) {
  const t = useWords();
  const words = t.leads.history;
  const why = whyWords(t, message);
  return (
    <Paper component="li" withBorder p="sm" style={{ listStyle: 'none' }} data-testid="leads-history-line" data-message={message.id} data-state={message.state}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Box style={{ minWidth: 0 }}>
          <From message={message} />
          <Text size="xs" c="dimmed">
            {message.sent_at === null ? words.planned : words.sent} <Moment at={message.sent_at ?? message.scheduled_at} as="full" size="xs" c="dimmed" /> ·{' '}
            {message.device_name}
          </Text>
        </Box>
        <Group gap={4} wrap="nowrap">
          <StatusCell status={message.status} state={message.state} />
          <Why messageId={message.id} name={message.name || message.phone} />
        </Group>
      </Group>
      {message.message_type !== 'text' && (
        <Text size="sm" c="dimmed" mt={6}>
          {words.files[message.message_type]}
        </Text>
      )}
      {message.text && (
        <Text size="sm" mt={6} dir="auto" lineClamp={4} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {message.text}
        </Text>
      )}
      {why !== null && (
        <Text size="sm" mt={6} fs="italic">
          {why}
        </Text>
      )}
    </Paper>
  );
}

function From({ message }: { message: Message }) {
  const t = useWords().leads.history;
  if (message.campaign_id !== null) return <FromCampaign id={message.campaign_id} />;
  return (
    <Text size="sm" fw={600}>
      {t.single}
    </Text>
  );
}

/** The title as it is today; a campaign that was deleted has none any more. */
function FromCampaign({ id }: { id: string }) {
  const t = useWords().leads.history;
  const campaign = useCampaign(id);
  if (campaign.isError && campaign.data === undefined) {
    return (
      <Text size="sm" fw={600}>
        {t.deleted}
      </Text>
    );
  }
  return (
    <CampaignLink id={id} size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
      {campaign.data?.title ?? t.campaign}
    </CampaignLink>
  );
}
