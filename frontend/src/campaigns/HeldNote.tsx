// Says which devices hold a running campaign back, and leads to each.
import { Alert, Group, List, Text } from '@mantine/core';
import { Hourglass } from 'lucide-react';
import { useFormat } from '@/parts/format';
import { AnchorLink } from '@/parts/links';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';
import { useHeld, type Held } from './held';
import type { Campaign } from './types';

const MOST_SHOWN = 5;

export function HeldNote({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.page.held;
  const { held, isStill } = useHeld(campaign);
  if (held.length === 0) return null;
  return (
    <Alert
      color="orange"
      variant="light"
      icon={<Hourglass aria-hidden />}
      title={isStill ? t.still : t.some}
      role="status"
      data-testid="campaigns-held-note"
    >
      <List size="sm" listStyleType="none" spacing={6}>
        {held.slice(0, MOST_SHOWN).map((each) => (
          <List.Item key={each.device.id}>
            <One held={each} />
          </List.Item>
        ))}
      </List>
      {held.length > MOST_SHOWN && (
        <Text size="sm" mt={6}>
          {t.more(held.length - MOST_SHOWN)}
        </Text>
      )}
      <Text size="sm" mt="xs">
        {campaign.when_offline === 'wait' ? t.goesOn : t.goesOnOrSkips}
      </Text>
    </Alert>
  );
}

function One({ held: { device, count } }: { held: Held }) {
  const t = useWords();
  const words = t.campaigns.page.held;
  const format = useFormat();
  return (
    <Group gap={8}>
      <AnchorLink to="/devices/$deviceId" params={{ deviceId: device.id }} size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {device.name}
      </AnchorLink>
      <StateBadge kind="device" state={device.state} size="sm" />
      <Text size="sm" span>
        {[
          device.state === 'online' && device.sending_paused ? t.devices.paused : null,
          device.hold_until ? words.until(format.moment(device.hold_until)) : null,
          words.waits(count),
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
    </Group>
  );
}
