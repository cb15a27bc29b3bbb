// What was changed, when, by whom and why; the newest first.
import { Button, Card, Skeleton, Stack, Text, Title } from '@mantine/core';
import { Moment } from '@/parts/Moment';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { usePolicy, usePolicyVersions } from './ruleHooks';
import { valueWords, type Rule } from './rules';

export function RuleHistory() {
  const all = useWords();
  const t = all.consent.rules;
  const versions = usePolicyVersions();
  const policy = usePolicy();
  const known = new Map<string, Rule>(policy.data?.kinds.flatMap((kind) => kind.rules.map((rule) => [`${kind.kind}.${rule.name}`, rule] as const)));
  const kinds = new Map<string, string>(policy.data?.kinds.map((kind) => [kind.kind, kind.label]));
  const plain = { unit: 'messages', none_word: null, name: '' } as const;
  return (
    <Card component="section" aria-label={t.history}>
      <Title order={2} size="h3" mb="sm">
        {t.history}
      </Title>
      {versions.problem !== null ? (
        <FailedLoad problem={versions.problem} onRetry={versions.retry} />
      ) : versions.isLoading ? (
        <Skeleton height={60} />
      ) : versions.rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t.neverChanged}
        </Text>
      ) : (
        <Stack gap="sm">
          {versions.rows.map((version) => (
            <div key={version.version}>
              <Text size="sm" fw={600}>
                {t.version(version.version, version.by)} <Moment at={version.at} />
              </Text>
              {version.changes.map((change) => {
                const rule = known.get(`${change.kind}.${change.name}`) ?? plain;
                return (
                  <Text key={`${change.kind}.${change.name}`} size="sm">
                    {t.moved(kinds.get(change.kind) ?? change.kind, change.label, valueWords(rule, change.before, all), valueWords(rule, change.after, all))}
                  </Text>
                );
              })}
              <Text size="sm" c="dimmed">
                {version.reason}
              </Text>
            </div>
          ))}
          {versions.hasMore && (
            <Button variant="default" onClick={versions.loadMore} loading={versions.isLoadingMore}>
              {t.more}
            </Button>
          )}
        </Stack>
      )}
    </Card>
  );
}
