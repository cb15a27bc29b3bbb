// Drop or choose one picture. The same file can be chosen again.
import '@mantine/dropzone/styles.css';
import { Group, Text } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import type { LucideIcon } from 'lucide-react';

const LARGEST = 20 * 1024 * 1024;
const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

interface Props {
  icon: LucideIcon;
  words: string;
  hint: string;
  onPick: (file: File) => void;
  onRefuse: () => void;
  'data-testid'?: string;
}

export function PictureDrop({ icon: Icon, words, hint, onPick, onRefuse, 'data-testid': testId }: Props) {
  return (
    <Dropzone
      onDrop={(files) => files[0] && onPick(files[0])}
      onReject={onRefuse}
      maxSize={LARGEST}
      accept={TYPES}
      multiple={false}
      radius="md"
      inputProps={{ 'aria-label': words, 'data-testid': testId } as Record<string, string>}
    >
      <Group justify="center" gap="md" mih={88} style={{ pointerEvents: 'none' }}>
        <Icon size={30} strokeWidth={1.5} aria-hidden />
        <div>
          <Text size="sm">{words}</Text>
          <Text size="xs" c="dimmed">
            {hint}
          </Text>
        </div>
      </Group>
    </Dropzone>
  );
}
