// Every number of responsible sending: what it does, where it comes from, and who may change it.
import { Alert, Badge, Box, Button, Card, Group, SegmentedControl, Skeleton, Stack, Table, Text, Title, Tooltip } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { useState } from 'react';
import type { components } from '@/api/schema';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { EditRule } from './EditRule';
import { RuleHistory } from './RuleHistory';
import { usePolicy } from './ruleHooks';
import { valueWords, type Rule, type RuleKind } from './rules';

type Kind = components['schemas']['Kind'];
const route = getRouteApi('/shell/consent/$tab');

export function Rules() {
  const t = useWords().consent.rules;
  const policy = usePolicy();
  const { kind = 'simulator' } = route.useSearch();
  const navigate = route.useNavigate();
  const isPhone = useIsPhone();
  const [editing, setEditing] = useState<Rule | null>(null);
  if (policy.isError) return <FailedLoad problem={policy.error} onRetry={() => void policy.refetch()} />;
  if (policy.data === undefined) return <Skeleton height={320} radius="lg" />;
  const here = policy.data.kinds.find((each) => each.kind === kind) ?? policy.data.kinds[0];
  if (here === undefined) return null;
  return (
    <Stack gap="lg">
      <Alert color="tide" variant="light">
        {t.stance}
      </Alert>
      <SegmentedControl
        aria-label={t.kind}
        data={policy.data.kinds.map((each) => ({ value: each.kind, label: each.label }))}
        value={here.kind}
        onChange={(next) => void navigate({ search: { kind: next as RuleKind }, replace: true })}
        orientation={isPhone ? 'vertical' : 'horizontal'}
        fullWidth={isPhone}
        data-testid="rules-kind"
      />
      <Text size="sm" c="dimmed">
        {here.words}
      </Text>
      <Groups kind={here} onEdit={setEditing} />
      <Card component="section" aria-label={t.always}>
        <Title order={2} size="h3" mb="sm">
          {t.always}
        </Title>
        <Stack gap="xs">
          {policy.data.constants.map((each) => (
            <Group key={each.name} wrap="nowrap" align="flex-start" gap="sm">
              <Lock size={16} aria-hidden style={{ marginTop: 3, flexShrink: 0 }} />
              <Text size="sm">
                <Text span fw={600}>
                  {each.label}.
                </Text>{' '}
                {each.words}
              </Text>
            </Group>
          ))}
        </Stack>
      </Card>
      <RuleHistory />
      {editing !== null && <EditRule kind={here.kind} rule={editing} version={policy.data.version} onClose={() => setEditing(null)} />}
    </Stack>
  );
}

function Groups({ kind, onEdit }: { kind: Kind; onEdit: (rule: Rule) => void }) {
  const t = useWords().consent.rules;
  const groups = [...new Set(kind.rules.map((rule) => rule.group))];
  return (
    <>
      {groups.map((group) => (
        <Card component="section" key={group} aria-label={t.groups[group]}>
          <Title order={2} size="h3" mb="sm">
            {t.groups[group]}
          </Title>
          <Table.ScrollContainer minWidth={0} type="native">
            <Table verticalSpacing="sm" aria-label={t.groups[group]}>
              <Table.Tbody>
                {kind.rules
                  .filter((rule) => rule.group === group)
                  .map((rule) => (
                    <Line key={rule.name} rule={rule} onEdit={() => onEdit(rule)} />
                  ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </Card>
      ))}
    </>
  );
}

function Line({ rule, onEdit }: { rule: Rule; onEdit: () => void }) {
  const all = useWords();
  const t = all.consent.rules;
  return (
    <Table.Tr data-row={rule.name}>
      <Table.Td style={{ verticalAlign: 'top' }}>
        <Group justify="space-between" align="flex-start" gap="sm">
          <Box style={{ flex: '1 1 300px', minWidth: 0 }}>
            <Text size="sm" fw={600}>
              {rule.label}
            </Text>
            <Text size="sm" c="dimmed">
              {rule.words}
            </Text>
            <Text size="xs" c="dimmed" mt={4}>
              {t.loosens[rule.who_may_loosen]} {rule.source}
            </Text>
            {rule.reason !== null && rule.at !== null && (
              <Text size="xs" c="dimmed">
                {t.changed(rule.by ?? '')} <Moment at={rule.at} />: {rule.reason}
              </Text>
            )}
          </Box>
          <Group gap="xs" wrap="nowrap">
            <Stack gap={4} align="flex-end">
              <Text fw={650} data-testid={`rule-value-${rule.name}`}>
                {valueWords(rule, rule.value, all)}
              </Text>
              <Tooltip label={t.originHint(valueWords(rule, rule.built_in, all))} multiline maw={280}>
                <Badge variant="default" tt="none" tabIndex={0} leftSection={rule.locked ? <Lock size={11} aria-hidden /> : undefined}>
                  {rule.locked ? t.locked : t.origins[rule.origin]}
                </Badge>
              </Tooltip>
            </Stack>
            <Button size="compact-sm" variant="default" onClick={onEdit} disabled={rule.locked} aria-label={t.changeRule(rule.label)} data-testid={`rule-edit-${rule.name}`}>
              {t.change}
            </Button>
          </Group>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
