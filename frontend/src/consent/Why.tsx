// "Why?" on a message: every rule that was asked, each wait, each attempt, in order and in plain words.
import { Button, Drawer, Skeleton, Text, Timeline } from '@mantine/core';
import { CircleHelp } from 'lucide-react';
import { useState } from 'react';
import { useFormat } from '@/parts/format';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { useExplain } from './personHooks';

export function Why({ messageId, name }: { messageId: string; name: string }) {
  const t = useWords();
  const [isOpen, setOpen] = useState(false);
  const isPhone = useIsPhone();
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<CircleHelp size={14} aria-hidden />}
        onClick={() => setOpen(true)}
        aria-label={t.consent.why.of(name)}
        data-testid="message-why"
      >
        {t.consent.why.button}
      </Button>
      <Drawer
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={t.consent.why.of(name)}
        position={isPhone ? 'bottom' : 'right'}
        size={isPhone ? '90%' : 480}
        closeButtonProps={{ 'aria-label': t.parts.close, size: 'lg' }}
        data-testid="why-drawer"
      >
        {isOpen && <Story messageId={messageId} />}
      </Drawer>
    </>
  );
}

function Story({ messageId }: { messageId: string }) {
  const t = useWords().consent.why;
  const format = useFormat();
  const why = useExplain(messageId);
  if (why.isError) return <FailedLoad problem={why.error} onRetry={() => void why.refetch()} />;
  if (why.data === undefined) return <Skeleton height={280} />;
  const { steps, summary } = why.data;
  return (
    <>
      <Text fw={600} mb="lg" data-testid="why-summary">
        {summary}
      </Text>
      <Timeline active={steps.length - 1} bulletSize={14} lineWidth={2}>
        {steps.map((step, index) => (
          <Timeline.Item key={index} title={t.rules[step.rule] ?? step.rule} data-testid="why-step" data-rule={step.rule}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {step.words}
            </Text>
            <Text size="xs" c="dimmed">
              <Moment at={step.at} as="full" size="xs" c="dimmed" />
              {step.until !== null && ` · ${t.until(format.moment(step.until))}`}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </>
  );
}
