// Why a single message was not taken; a person who opted out can be answered knowingly.
import { Alert, Anchor, Button, Checkbox, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { ShieldAlert } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Problem } from '@/api/problem';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';

const known = ['opted_out', 'no_consent', 'quiet_hours'] as const;

/** Whether this is a refusal by the rules, which `RefusedSend` tells. */
export function isRefused(problem: Problem | null): problem is Problem {
  return problem?.status === 409 && known.some((code) => code === problem.code);
}

export function RefusedSend({ problem, isBusy, onAnyway }: { problem: Problem; isBusy: boolean; onAnyway: () => void }) {
  const t = useWords().devices.actions.refused;
  const format = useFormat();
  const box = useRef<HTMLDivElement>(null);
  const [isKnown, setKnown] = useState(false);
  useEffect(() => box.current?.focus(), [problem]);
  const code = known.find((each) => each === problem.code) ?? 'opted_out';
  const next = problem.body.next_at;
  return (
    <Alert ref={box} tabIndex={-1} role="alert" color="orange" variant="light" icon={<ShieldAlert aria-hidden />} title={t.title} data-testid="send-refused" data-code={code}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t[code]}</Text>
        {code === 'quiet_hours' && typeof next === 'string' && <Text size="sm">{t.opens(format.moment(next))}</Text>}
        {code === 'no_consent' && (
          <Anchor component={Link} to="/consent/consents" size="sm">
            {t.record}
          </Anchor>
        )}
        {code === 'opted_out' && (
          <>
            <Checkbox label={t.known} description={t.knownHint} checked={isKnown} onChange={(event) => setKnown(event.currentTarget.checked)} data-testid="send-knowingly" />
            <Button type="button" color="orange" variant="light" disabled={!isKnown} loading={isBusy} onClick={onAnyway} data-testid="send-anyway">
              {t.anyway}
            </Button>
          </>
        )}
      </Stack>
    </Alert>
  );
}
