// The QR code with a ring of seconds; renews itself up to six times, then waits for a person.
import { Box, Button, Center, Group, List, RingProgress, Skeleton, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { QRCodeSVG } from 'qrcode.react';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveFrame } from '@/api/live';
import { toProblem } from '@/api/problem';
import type { Device, Qr } from '@/api/types';
import { useFrames } from '@/api/useLive';
import { FailedLoad } from '@/parts/ProblemNote';
import { useSecondsUntil } from '@/parts/useCountdown';
import { useWords } from '@/words';
import { useQr } from './hooks';
import { SimulatedLink } from './SimulatedLink';

const MOST_CODES = 6;

export function QrTab({ device }: { device: Device }) {
  const t = useWords().devices.qr;
  const cache = useQueryClient();
  const qr = useQr(device.id, true);
  const left = useSecondsUntil(qr.data ? Date.parse(qr.data.expires_at) : 0);
  const [shown, setShown] = useState(0);
  const lastCode = useRef('');
  const isOver = qr.data !== undefined && left === 0 && shown >= MOST_CODES;

  useEffect(() => {
    if (qr.data === undefined || qr.data.qr === lastCode.current) return;
    lastCode.current = qr.data.qr;
    setShown((n) => n + 1);
  }, [qr.data]);

  useEffect(() => {
    if (qr.data === undefined || left > 0 || shown >= MOST_CODES || qr.isFetching) return;
    // A breath, so that a server still holding the old code is not asked in a tight circle.
    const timer = setTimeout(() => void qr.refetch(), 700);
    return () => clearTimeout(timer);
  }, [left, shown, qr]);

  const onFrame = useCallback(
    (frame: LiveFrame) => {
      if (frame.event !== 'device.qr' || frame.data.device_id !== device.id) return;
      cache.setQueryData(['qr', device.id], frame.data as unknown as Qr);
    },
    [cache, device.id],
  );
  useFrames(onFrame);

  function again() {
    setShown(0);
    lastCode.current = '';
    void qr.refetch();
  }

  const problem = qr.isError && qr.data === undefined ? toProblem(qr.error) : null;
  return (
    <>
      <Group align="flex-start" gap="xl" justify="center">
        <Stack align="center" gap="sm">
          <Center w={296} h={296} style={{ background: '#fff', borderRadius: 'var(--mantine-radius-lg)', border: '1px solid var(--hantar-line)' }}>
            {qr.data && !isOver && (
              <Box style={{ opacity: left === 0 ? 0.15 : 1 }}>
                <QRCodeSVG value={qr.data.qr} size={264} level="L" marginSize={0} bgColor="#ffffff" fgColor="#10181a" title={t.image} data-testid="qr-code" />
              </Box>
            )}
            {qr.isPending && <Skeleton width={264} height={264} />}
            {isOver && (
              <Stack align="center" px="lg">
                <Text ta="center" size="sm" c="#333">
                  {t.expired}
                </Text>
                <Button onClick={again} data-testid="qr-show-new">
                  {t.showNew}
                </Button>
              </Stack>
            )}
          </Center>
          <Group gap="xs" mih={48}>
            {qr.data && !isOver && (
              <RingProgress
                size={44}
                thickness={4}
                sections={[{ value: Math.min(100, (left / ringSeconds(qr.data)) * 100), color: left <= 5 ? 'clay' : 'tide' }]}
                label={
                  <Text size="xs" ta="center" style={{ fontVariantNumeric: 'tabular-nums' }}>
                    {left}
                  </Text>
                }
                aria-label={t.secondsLeft(left)}
              />
            )}
            <div role="status">
              <Text fw={600}>{device.state === 'connecting' ? t.connecting : isOver ? null : qr.data ? t.scanNow : t.starting}</Text>
              {qr.isPending && qr.failureCount > 0 && (
                <Text size="xs" c="dimmed" maw={260}>
                  {t.slow}
                </Text>
              )}
              {qr.data && !isOver && device.state !== 'connecting' && (
                <Text size="xs" c="dimmed">
                  {t.renews}
                </Text>
              )}
            </div>
          </Group>
          {problem && problem.code !== 'already_linked' && <FailedLoad problem={problem} onRetry={again} />}
        </Stack>
        <List type="ordered" spacing="md" maw={220} pt="md">
          {t.steps.map((step) => (
            <List.Item key={step}>{step}</List.Item>
          ))}
        </List>
      </Group>
      {qr.data && !isOver && <SimulatedLink device={device} />}
    </>
  );
}

const lifetimes = new Map<string, number>();

/** How long this code lives in all, from when it was first seen: the ring starts full. */
function ringSeconds(qr: Qr): number {
  const known = lifetimes.get(qr.qr);
  if (known !== undefined) return known;
  const life = Math.max(1, (Date.parse(qr.expires_at) - Date.now()) / 1000);
  lifetimes.clear();
  lifetimes.set(qr.qr, life);
  return life;
}
