// Everything else one can do with a device, and the dialogs that belong to it.
import { ActionIcon, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { EllipsisVertical, Gauge, KeyRound, LogOut, Pause, Pencil, Play, Plug, RefreshCw, Trash2, Unplug } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import type { Device } from '@/api/types';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { DeleteDevice } from './DeleteDevice';
import { EditDevice } from './EditDevice';
import { canLink } from './groups';
import { useConnect, useDisconnect, usePause, useRefresh } from './hooks';
import { LogoutDevice } from './LogoutDevice';
import { ResumeDevice } from './ResumeDevice';

interface Props {
  device: Device;
  onLink: () => void;
  onDeleted?: () => void;
}

export function DeviceMenu({ device, onLink, onDeleted }: Props) {
  const { devices: t, kinds } = useWords();
  const navigate = useNavigate();
  const mayEdit = useMay('operator');
  const mayDelete = useMay('owner');
  const [open, setOpen] = useState<'edit' | 'resume' | 'logout' | 'delete' | null>(null);
  const [run, isBusy] = useAction();
  const connect = useConnect();
  const disconnect = useDisconnect();
  const pause = usePause();
  const refresh = useRefresh();
  const close = () => setOpen(null);
  if (!mayEdit) return null;

  async function refreshNow() {
    await run(async () => {
      const { result } = await refresh.mutateAsync(device.id);
      tell(t.told.refreshed[result] ?? result);
      if (result === 'qr_required') onLink();
    });
  }

  const isLinked = !canLink(device);
  return (
    <>
      <Menu position="bottom-end" width={220} withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={t.card.menu(device.name)} loading={isBusy} data-testid="device-menu">
            <EllipsisVertical size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Pencil size={16} aria-hidden />} onClick={() => setOpen('edit')} data-testid="device-menu-edit">
            {t.menu.edit}
          </Menu.Item>
          <Menu.Item
            leftSection={<Gauge size={16} aria-hidden />}
            onClick={() => void navigate({ to: '/devices/$deviceId', params: { deviceId: device.id }, search: { tab: 'limits' } })}
          >
            {t.menu.limits}
          </Menu.Item>
          {isLinked && (
            <>
              <Menu.Item leftSection={<RefreshCw size={16} aria-hidden />} onClick={() => void refreshNow()} data-testid="device-menu-refresh">
                {t.menu.refresh}
              </Menu.Item>
              {['stopped', 'offline', 'replaced', 'refused'].includes(device.state) ? (
                <Menu.Item
                  leftSection={<Plug size={16} aria-hidden />}
                  onClick={() => void run(() => connect.mutateAsync(device.id), t.told.connecting)}
                  data-testid="device-menu-connect"
                >
                  {t.menu.connect}
                </Menu.Item>
              ) : (
                <Menu.Item
                  leftSection={<Unplug size={16} aria-hidden />}
                  onClick={() => void run(() => disconnect.mutateAsync(device.id), t.told.disconnected)}
                  data-testid="device-menu-disconnect"
                >
                  {t.menu.disconnect}
                </Menu.Item>
              )}
            </>
          )}
          {device.uses_credentials && (
            <Menu.Item leftSection={<KeyRound size={16} aria-hidden />} onClick={onLink} data-testid="device-menu-token">
              {isLinked ? kinds.replace.open : kinds.replace.give}
            </Menu.Item>
          )}
          {device.sending_paused ? (
            <Menu.Item
              leftSection={<Play size={16} aria-hidden />}
              onClick={() => setOpen('resume')}
              data-testid="device-menu-resume"
            >
              {t.menu.resume}
            </Menu.Item>
          ) : (
            <Menu.Item
              leftSection={<Pause size={16} aria-hidden />}
              onClick={() => void run(() => pause.mutateAsync(device.id), t.told.paused)}
              data-testid="device-menu-pause"
            >
              {t.menu.pause}
            </Menu.Item>
          )}
          {isLinked && (
            <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => setOpen('logout')} data-testid="device-menu-logout">
              {device.uses_credentials ? kinds.replace.remove : t.menu.logout}
            </Menu.Item>
          )}
          {mayDelete && (
            <>
              <Menu.Divider />
              <Menu.Item color="red" leftSection={<Trash2 size={16} aria-hidden />} onClick={() => setOpen('delete')} data-testid="device-menu-delete">
                {t.menu.delete}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {open === 'resume' && <ResumeDevice device={device} onClose={close} />}
      {open === 'edit' && <EditDevice device={device} onClose={close} />}
      {open === 'logout' && <LogoutDevice device={device} onClose={close} />}
      {open === 'delete' && <DeleteDevice device={device} onClose={close} onDeleted={onDeleted} />}
    </>
  );
}
