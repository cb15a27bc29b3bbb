// The badge of devices that WhatsApp's terms do not allow for bulk use; the tooltip says so.
import { Badge, Tooltip } from '@mantine/core';
import { useWords } from '@/words';

export function Unofficial() {
  const t = useWords().kinds;
  return (
    <Tooltip label={t.unofficialHint}>
      <span tabIndex={0} style={{ display: 'inline-flex', borderRadius: 'var(--mantine-radius-sm)' }}>
        <Badge color="orange" tt="none" className="hantar-state hantar-state-orange" data-testid="device-unofficial">
          {t.unofficial}
        </Badge>
      </span>
    </Tooltip>
  );
}
