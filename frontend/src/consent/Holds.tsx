// People nobody writes to until somebody decides: "please stop", or a question that waits for an answer.
import { Badge, Button, Card, Group, Modal, SegmentedControl, Skeleton, Stack, Text, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { getRouteApi } from '@tanstack/react-router';
import { CircleCheck, MessageCircleQuestion } from 'lucide-react';
import { useState } from 'react';
import { CampaignLink } from '@/campaigns/CampaignLink';
import { EmptyState } from '@/parts/EmptyState';
import { Moment } from '@/parts/Moment';
import { Phone } from '@/parts/Phone';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useConfirmHold, useHolds, useReleaseHold } from './hooks';
import type { Hold } from './types';

const route = getRouteApi('/shell/consent/$tab');

export function Holds() {
  const t = useWords().consent.holds;
  const { show = 'live' } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useHolds(show === 'live');
  const [releasing, setReleasing] = useState<Hold | null>(null);
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <Text c="dimmed" size="sm" maw={620}>
          {t.lead}
        </Text>
        <SegmentedControl
          aria-label={t.show}
          data={[
            { value: 'live', label: t.open },
            { value: 'past', label: t.past },
          ]}
          value={show}
          onChange={(value) => void navigate({ search: { show: value === 'past' ? 'past' : undefined }, replace: true })}
          data-testid="holds-show"
        />
      </Group>
      {list.problem !== null ? (
        <FailedLoad problem={list.problem} onRetry={list.retry} />
      ) : list.isLoading ? (
        <Skeleton height={120} radius="lg" />
      ) : list.rows.length === 0 ? (
        <Card withBorder>
          <EmptyState icon={show === 'live' ? CircleCheck : MessageCircleQuestion} words={show === 'live' ? t.none : t.nonePast} hint={t.noneHint} />
        </Card>
      ) : (
        <>
          {list.rows.map((hold) => (
            <HoldCard key={hold.id} hold={hold} onRelease={() => setReleasing(hold)} />
          ))}
          {list.hasMore && (
            <Button variant="default" onClick={list.loadMore} loading={list.isLoadingMore}>
              {t.more}
            </Button>
          )}
        </>
      )}
      {releasing && <ReleaseHold hold={releasing} onClose={() => setReleasing(null)} />}
    </Stack>
  );
}

function HoldCard({ hold, onRelease }: { hold: Hold; onRelease: () => void }) {
  const t = useWords().consent.holds;
  const confirm = useConfirmHold();
  const [run, isBusy] = useAction();
  return (
    <Card withBorder padding="md" data-row={hold.id} data-testid="hold-card">
      <Group justify="space-between" align="flex-start" gap="md">
        <Stack gap={6} style={{ flex: '1 1 280px', minWidth: 0 }}>
          <Group gap="xs">
            <Badge color={hold.kind === 'intent' ? 'orange' : 'blue'} tt="none" className={hold.kind === 'intent' ? 'hantar-state-orange' : 'hantar-state-blue'}>
              {t.kinds[hold.kind]}
            </Badge>
            <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
              {hold.name}
            </Text>
            {hold.phone === null ? (
              <Text size="sm" c="dimmed">
                {t.unknownNumber}
              </Text>
            ) : (
              <Phone digits={hold.phone} withCopy />
            )}
          </Group>
          {hold.text === null || hold.text === '' ? (
            <Text size="sm" c="dimmed">
              {t.noText}
            </Text>
          ) : (
            <Text style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }} lineClamp={6}>
              “{hold.text}”
            </Text>
          )}
          <Group gap={6} c="dimmed" fz="sm">
            <Moment at={hold.created_at} as="relative" />
            {hold.device_name !== null && <span>{t.on(hold.device_name)}</span>}
            {hold.campaign_id !== null && (
              <span>
                {t.after} <CampaignLink id={hold.campaign_id}>{hold.campaign_title ?? t.aCampaign}</CampaignLink>
              </span>
            )}
          </Group>
          {!hold.is_open && hold.outcome !== null && (
            <Text size="sm">
              {t.outcomes[hold.outcome]}
              {hold.reason ? `: ${hold.reason}` : ''} <Moment at={hold.ended_at} />
            </Text>
          )}
        </Stack>
        {hold.is_open && (
          <Group gap="xs">
            <Button variant="default" onClick={onRelease} data-testid="hold-release">
              {t.release}
            </Button>
            <Button color="red" variant="light" loading={isBusy} onClick={() => void run(() => confirm.mutateAsync(hold.id), t.confirmed)} data-testid="hold-confirm">
              {t.confirm}
            </Button>
          </Group>
        )}
      </Group>
    </Card>
  );
}

function ReleaseHold({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const t = useWords();
  const words = t.consent.holds;
  const release = useReleaseHold();
  const form = useForm({ initialValues: { reason: '' } });
  const problem = useFormProblem(form);
  const submit = form.onSubmit(async ({ reason }) => {
    try {
      await release.mutateAsync({ id: hold.id, reason });
      tell(words.released);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  });
  return (
    <Modal opened onClose={onClose} title={words.releaseTitle(hold.name || words.unknownNumber)} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form onSubmit={submit}>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{words.releaseWords}</Text>
          <Textarea label={words.reason} required maxLength={500} autosize minRows={2} data-autofocus {...form.getInputProps('reason')} data-testid="hold-reason" />
        </Stack>
        <SubmitRow label={words.releaseAct} isBusy={release.isPending} onCancel={onClose} data-testid="hold-release-submit" />
      </form>
    </Modal>
  );
}
