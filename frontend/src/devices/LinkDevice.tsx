// Giving a device what it needs to send: a code to scan, or a number id and a token, as its kind wants.
import type { Device } from '@/api/types';
import { QrModal } from './QrModal';
import { ReplaceToken } from './ReplaceToken';

export function LinkDevice({ device, onClose }: { device: Device; onClose: () => void }) {
  if (device.uses_credentials) return <ReplaceToken device={device} onClose={onClose} />;
  return <QrModal device={device} onClose={onClose} />;
}
