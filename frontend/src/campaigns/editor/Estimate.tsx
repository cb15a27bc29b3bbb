// When the campaign would end with what is chosen so far.
import { Group, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Clock } from 'lucide-react';
import { useMemo } from 'react';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import { Ends } from '../Ends';
import { usePlan } from '../hooks';
import { bodyOf, type Draft, wrongFields } from './draft';

export function Estimate({ draft }: { draft: Draft }) {
  const t = useWords().campaigns.editor;
  const format = useFormat();
  const wanted = useMemo(() => {
    const wrong = Object.keys(wrongFields(draft, t.wrong)).filter((field) => field !== 'title');
    const body = bodyOf(draft);
    return wrong.length > 0 ? null : { ...body, title: body.title || '–' };
  }, [draft, t]);
  const [body] = useDebouncedValue(wanted, 400);
  const plan = usePlan(body);
  const isKnown = body !== null && plan.data !== undefined && plan.data.eta_at !== null;
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" data-testid="campaigns-when-estimate" role="status">
      <Clock size={18} aria-hidden style={{ marginTop: 2 }} />
      <Stack gap={0}>
        <Text size="sm" fw={600} component="div">
          {t.when.estimate}: {isKnown ? <Ends from={plan.data.eta_at} to={plan.data.eta_late_at} /> : '–'}
        </Text>
        <Text size="xs" c="dimmed">
          {isKnown ? t.when.estimateHint : t.when.estimateNone}
          {isKnown && !draft.is_now && ` ${t.when.resolved(format.moment(plan.data.starts_at), format.zone)}`}
        </Text>
      </Stack>
    </Group>
  );
}
