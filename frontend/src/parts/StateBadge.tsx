// A state as icon, word and colour; the tooltip says why and since when. Never colour alone.
import { Badge, Tooltip, type MantineSize } from '@mantine/core';
import {
  Ban,
  CalendarClock,
  CheckCheck,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleMinus,
  CirclePause,
  CircleX,
  Clock,
  Hourglass,
  Link2,
  LoaderCircle,
  LogOut,
  Send,
  ShieldAlert,
  TriangleAlert,
  WifiOff,
  type LucideIcon,
} from 'lucide-react';
import { useWords } from '@/words';

export type StateKind = 'device' | 'campaign' | 'message' | 'target' | 'worker';

type Look = [color: string, icon: LucideIcon];

const looks: Record<StateKind, Record<string, Look>> = {
  device: {
    new: ['gray', CircleDashed],
    pairing: ['blue', Link2],
    connecting: ['blue', LoaderCircle],
    online: ['teal', CircleCheck],
    offline: ['gray', WifiOff],
    suspect: ['orange', CircleHelp],
    restricted: ['orange', ShieldAlert],
    banned_until: ['red', Ban],
    logged_out: ['red', LogOut],
    replaced: ['red', TriangleAlert],
    outdated: ['red', TriangleAlert],
    refused: ['red', CircleX],
    stopped: ['gray', CircleMinus],
  },
  worker: {
    active: ['teal', Send],
    idle: ['gray', CircleDashed],
    stopped: ['gray', CircleMinus],
    error: ['red', CircleX],
  },
  campaign: {
    pending: ['gray', CalendarClock],
    triggered: ['blue', Hourglass],
    processing: ['teal', Send],
    finished: ['green', CircleCheck],
    failed: ['red', CircleX],
    paused: ['yellow', CirclePause],
    cancelled: ['gray', CircleMinus],
  },
  message: {
    pending: ['gray', Clock],
    planned: ['gray', Clock],
    held: ['yellow', CirclePause],
    queued: ['blue', Hourglass],
    claimed: ['blue', LoaderCircle],
    sent: ['green', CircleCheck],
    delivered: ['green', CheckCheck],
    read: ['green', CheckCheck],
    failed: ['red', CircleX],
    skipped: ['yellow', CircleMinus],
    cancelled: ['gray', CircleMinus],
    suppressed: ['yellow', CircleMinus],
    expired: ['yellow', Clock],
    unconfirmed: ['orange', CircleHelp],
    unknown: ['orange', CircleHelp],
  },
  target: { all: ['gray', CircleDashed], prospect: ['blue', CircleDashed], customer: ['teal', CircleCheck] },
};

interface Props {
  kind: StateKind;
  state: string;
  /** Reason and time, for the tooltip. */
  hint?: string | null;
  size?: MantineSize;
  'data-testid'?: string;
}

export function StateBadge({ kind, state, hint, size = 'md', 'data-testid': testId }: Props) {
  const t = useWords();
  const [color, Icon] = looks[kind][state] ?? (['gray', CircleDashed] as Look);
  const word = t.states[kind][state] ?? state;
  const badge = (
    <Badge
      color={color}
      size={size}
      tt="none"
      leftSection={<Icon size={13} aria-hidden />}
      data-testid={testId}
      data-state={state}
      className={`hantar-state hantar-state-${color}`}
      style={{ flexShrink: 0, maxWidth: 'none' }}
      styles={{ label: { overflow: 'visible' } }}
    >
      {word}
    </Badge>
  );
  return hint ? (
    <Tooltip label={hint}>
      <span tabIndex={0} style={{ display: 'inline-flex', flexShrink: 0, borderRadius: 'var(--mantine-radius-sm)' }}>
        {badge}
      </span>
    </Tooltip>
  ) : (
    badge
  );
}
