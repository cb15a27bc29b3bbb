// What WhatsApp holds against this device just now or did lately, and why the rules paused it; in plain words.
import { Alert, Text } from '@mantine/core';
import { CirclePause, TriangleAlert } from 'lucide-react';
import type { DeviceHealth } from '@/api/types';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';

export function Restriction({ health }: { health: DeviceHealth }) {
  const t = useWords().devices.health;
  const format = useFormat();
  return (
    <>
      {health.restriction_words !== null && (
        <Alert color="orange" variant="light" icon={<TriangleAlert aria-hidden />} data-testid="device-restriction">
          <Text size="sm">{health.restriction_words}</Text>
          {health.restriction_until !== null && <Text size="sm">{t.until(format.moment(health.restriction_until))}</Text>}
          {health.restriction_mark !== null && (
            <Text size="xs" c="dimmed">
              {t.mark(format.day(health.restriction_mark))}
            </Text>
          )}
        </Alert>
      )}
      {health.pause_words !== null && (
        <Alert color="yellow" variant="light" icon={<CirclePause aria-hidden />} data-testid="device-pause-note">
          <Text size="sm">{health.pause_words}</Text>
          {health.resume_after !== null && <Text size="sm">{t.earliest(format.moment(health.resume_after))}</Text>}
        </Alert>
      )}
    </>
  );
}
