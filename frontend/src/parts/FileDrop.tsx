// Drop or choose one file, and see how far its upload is. The same file can be chosen again.
import '@mantine/dropzone/styles.css';
import { Group, Progress, Stack, Text } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { Paperclip } from 'lucide-react';
import { useWords } from '@/words';
import { ACCEPTED, LARGEST } from './files';

interface Props {
  hint?: string;
  /** From 0 to 1 while an upload is under way, else null. */
  share: number | null;
  onPick: (file: File) => void;
  onRefuse: () => void;
  'data-testid'?: string;
}

export function FileDrop({ hint, share, onPick, onRefuse, 'data-testid': testId }: Props) {
  const t = useWords().parts.files;
  return (
    <Dropzone
      onDrop={(files) => files[0] && onPick(files[0])}
      onReject={onRefuse}
      maxSize={LARGEST}
      accept={ACCEPTED}
      multiple={false}
      disabled={share !== null}
      p="md"
      radius="md"
      aria-label={t.drop}
      inputProps={{ 'aria-label': t.drop, 'data-testid': testId } as Record<string, string>}
    >
      <Group justify="center" gap="md" mih={64} style={{ pointerEvents: 'none' }}>
        <Paperclip size={26} strokeWidth={1.5} aria-hidden />
        {share !== null ? (
          <Stack gap={4} w={200} role="status">
            <Text size="sm">{share < 1 ? t.uploading : t.checking}</Text>
            <Progress value={share * 100} size="sm" animated={share >= 1} aria-label={t.uploading} />
          </Stack>
        ) : (
          <div>
            <Text size="sm">{t.drop}</Text>
            {hint && (
              <Text size="xs" c="dimmed">
                {hint}
              </Text>
            )}
          </div>
        )}
      </Group>
    </Dropzone>
  );
}
