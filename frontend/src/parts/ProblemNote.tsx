// A problem in words, with the request number to hand on. FailedLoad is for parts that could not be read.
import { Alert, Anchor, Button, Group, List, Stack, Text } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { toProblem, type FieldError, type Problem } from '@/api/problem';
import { useWords } from '@/words';
import { CopyButton } from './CopyButton';
import { problemWords } from './problemWords';

function RequestId({ problem }: { problem: Problem }) {
  const t = useWords().problems;
  if (problem.requestId === null) return null;
  return (
    <Group gap={4}>
      <Text size="xs" c="dimmed">
        {t.requestId} <code>{problem.requestId}</code>
      </Text>
      <CopyButton value={problem.requestId} label={t.copyRequestId} />
    </Group>
  );
}

/** Instead of a part that could not be read; the rest of the page goes on working. */
export function FailedLoad({ problem, onRetry }: { problem: unknown; onRetry?: () => void }) {
  const t = useWords();
  const known = toProblem(problem);
  return (
    <Alert color="red" variant="light" icon={<CircleAlert aria-hidden />} title={t.problems.loadTitle} role="alert" data-testid="page-load-failed">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{problemWords(t, known)}</Text>
        <RequestId problem={known} />
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t.problems.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

interface SummaryProps {
  problem: Problem | null;
  /** Errors of fields: on click the field takes focus. `id` is the input's id. */
  fields?: { id?: string; message: string }[];
  /** Those no field of the form shows. */
  rest?: FieldError[];
}

/** Above a form after a refused submit; takes focus so that it is read and seen. */
export function ProblemSummary({ problem, fields = [], rest = [] }: SummaryProps) {
  const t = useWords();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problem !== null) box.current?.focus();
  }, [problem]);
  if (problem === null) return null;
  const hasList = fields.length > 0 || rest.length > 0;
  return (
    <Alert
      ref={box}
      tabIndex={-1}
      role="alert"
      color="red"
      variant="light"
      icon={<CircleAlert aria-hidden />}
      title={hasList ? t.problems.fieldsTitle : t.problems.title}
      data-testid="form-problem-summary"
    >
      <Stack gap={6}>
        {hasList ? (
          <List size="sm">
            {fields.map((field) => (
              <List.Item key={field.id ?? field.message}>
                {field.id === undefined ? field.message : <FieldLink id={field.id}>{field.message}</FieldLink>}
              </List.Item>
            ))}
            {rest.map((error) => (
              <List.Item key={`${error.field}:${error.code}`}>{error.message}</List.Item>
            ))}
          </List>
        ) : (
          <Text size="sm">{problemWords(t, problem)}</Text>
        )}
        <RequestId problem={problem} />
      </Stack>
    </Alert>
  );
}

function FieldLink({ id, children }: { id: string; children: string }) {
  return (
    <Anchor
      component="button"
      type="button"
      size="sm"
      c="inherit"
      td="underline"
      ta="start"
      onClick={() => document.getElementById(id)?.focus()}
    >
      {children}
    </Anchor>
  );
}
