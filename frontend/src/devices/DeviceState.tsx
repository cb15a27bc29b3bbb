// The state of a device with its reason, since when, and until when.
import type { Device } from '@/api/types';
import { useFormat } from '@/parts/format';
import { StateBadge } from '@/parts/StateBadge';
import { useWords } from '@/words';

export function DeviceState({ device }: { device: Device }) {
  const t = useWords().devices;
  const format = useFormat();
  const facts = [
    device.words,
    device.state_since ? format.relative(device.state_since) : null,
    device.hold_until ? t.holdUntil(format.moment(device.hold_until)) : null,
  ];
  return <StateBadge kind="device" state={device.state} hint={facts.filter(Boolean).join(' · ')} data-testid="device-state" />;
}
