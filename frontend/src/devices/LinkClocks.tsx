// The two clocks WhatsApp runs on a linked phone: the phone itself unused, and the link idle.
import { Progress, Stack, Text } from '@mantine/core';
import type { Device, DeviceHealth } from '@/api/types';
import { useFormat } from '@/parts/format';
import { Section } from '@/parts/Section';
import { useWords } from '@/words';

const IDLE_DAYS = 30;
const SOON_DAYS = 7;

/** Whole days until then; never below zero. */
export function daysUntil(iso: string, now = Date.now()): number {
  return Math.max(0, Math.ceil((Date.parse(iso) - now) / 86_400_000));
}

export function LinkClocks({ device, health }: { device: Device; health: DeviceHealth }) {
  const t = useWords().kinds.clocks;
  const format = useFormat();
  const ends = health.link_ends_at;
  const days = ends === null ? IDLE_DAYS : Math.min(IDLE_DAYS, daysUntil(ends));
  return (
    <Section title={t.title} hint={t.hint} data-testid="device-clocks">
      <Stack gap="md">
        <div>
          <Text size="sm" fw={600}>
            {t.phone}
          </Text>
          <Text size="sm">{t.phoneWords}</Text>
        </div>
        <div>
          <Text size="sm" fw={600}>
            {t.link}
          </Text>
          {ends === null ? (
            <Text size="sm">{device.is_linked ? t.linkOpen : t.linkNone}</Text>
          ) : (
            <>
              <Text size="sm" mb={6} c={days <= SOON_DAYS ? 'var(--mantine-color-orange-text)' : undefined} fw={days <= SOON_DAYS ? 600 : undefined}>
                {t.linkEnds(format.day(ends), days)}
              </Text>
              <Progress value={(days / IDLE_DAYS) * 100} size="sm" color={days <= SOON_DAYS ? 'orange' : 'tide'} aria-label={t.left(days)} />
            </>
          )}
        </div>
      </Stack>
    </Section>
  );
}
