// A file that is on the server: the picture itself, a player for video and sound, a tile with name and size for a document.
import { Box, Button, Group, Image, Paper, Stack, Text, ThemeIcon } from '@mantine/core';
import { FileText, Trash2 } from 'lucide-react';
import { useWords } from '@/words';
import type { StoredFile } from './files';
import { sizeWords } from './sizeWords';

interface Props {
  file: StoredFile;
  onRemove: () => void;
  'data-testid': string;
}

export function FileCard({ file, onRemove, 'data-testid': testId }: Props) {
  const t = useWords().parts.files;
  return (
    <Paper withBorder p="sm" data-testid={`${testId}-stored`} data-kind={file.kind}>
      <Stack gap="xs">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap" miw={0}>
            {file.kind === 'image' && <Image src={file.url} alt={t.alt} w={72} h={72} radius="sm" fit="cover" />}
            {file.kind === 'document' && (
              <ThemeIcon variant="light" size={44} radius="sm">
                <FileText size={24} aria-hidden />
              </ThemeIcon>
            )}
            <Box miw={0}>
              {file.name !== null && file.kind !== 'image' && (
                <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }} data-testid={`${testId}-name`}>
                  {file.name}
                </Text>
              )}
              <Text size="sm" c={file.kind === 'image' ? undefined : 'dimmed'} data-testid={`${testId}-size`}>
                <Size file={file} />
              </Text>
            </Box>
          </Group>
          <Button variant="default" size="sm" leftSection={<Trash2 size={15} aria-hidden />} onClick={onRemove} data-testid={`${testId}-remove`}>
            {t.remove}
          </Button>
        </Group>
        {file.kind === 'video' && <video src={file.url} controls preload="metadata" aria-label={t.video} style={{ width: '100%', maxHeight: 260, borderRadius: 6 }} />}
        {file.kind === 'audio' && <audio src={file.url} controls preload="metadata" aria-label={t.audio} style={{ width: '100%' }} />}
      </Stack>
    </Paper>
  );
}

function Size({ file: { kind, size, original_size } }: { file: StoredFile }) {
  const t = useWords().parts.files;
  if (size === null) return t.kept;
  if (original_size === null || original_size === size) return `${t.kinds[kind]} · ${sizeWords(size)}`;
  return t.shrunk(sizeWords(original_size), sizeWords(size));
}
