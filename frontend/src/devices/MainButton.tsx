// The one button a device in this state needs most.
import { Button, type ButtonProps } from '@mantine/core';
import { modals } from '@mantine/modals';
import { Link } from '@tanstack/react-router';
import { TriangleAlert } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import type { Device } from '@/api/types';
import { useFormat } from '@/parts/format';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { Advice } from './Advice';
import { mainAction } from './groups';
import { useConnect } from './hooks';

interface Props extends ButtonProps {
  device: Device;
  onLink: () => void;
  /** On the device's own page "Open" leads nowhere. */
  isHere?: boolean;
}

export function MainButton({ device, onLink, isHere = false, ...look }: Props) {
  const t = useWords().devices;
  const format = useFormat();
  const mayEdit = useMay('operator');
  const connect = useConnect();
  const [run, isBusy] = useAction();
  const action = mainAction(device);
  const size = look.size ?? 'xs';
  const reconnect = () => void run(() => connect.mutateAsync(device.id), t.told.connecting);

  if (action === 'whatToDo') {
    const until = device.hold_until ? t.holdUntil(format.moment(device.hold_until)) : null;
    return (
      <Button
        {...look}
        size={size}
        variant="default"
        leftSection={<TriangleAlert size={14} color="var(--mantine-color-orange-text)" aria-hidden />}
        data-testid="device-what-to-do"
        onClick={() =>
          modals.open({
            title: `${t.advised}: ${device.name}`,
            children: <Advice device={device} until={until} onLink={mayEdit ? onLink : undefined}
                onConnect={mayEdit ? reconnect : undefined}
              />,
          })
        }
      >
        {t.main.whatToDo}
      </Button>
    );
  }
  if (action === 'open' || !mayEdit) {
    if (isHere) return null;
    return (
      <Button {...look} size={size} variant="default" component={Link} to={`/devices/${device.id}`} aria-label={t.card.open(device.name)} data-testid="device-open">
        {t.main.open}
      </Button>
    );
  }
  if (action === 'scan' || action === 'token') {
    return (
      <Button {...look} size={size} onClick={onLink} data-testid={`device-${action}`}>
        {t.main[action]}
      </Button>
    );
  }
  return (
    <Button
      {...look}
      size={size}
      variant="light"
      loading={isBusy}
      onClick={reconnect}
      data-testid="device-reconnect"
    >
      {t.main.reconnect}
    </Button>
  );
}
