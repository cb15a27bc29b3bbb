// The message's picture: dropped, chosen, or fetched from an address or data URL; stored by the server at 350 KB or less.
import '@mantine/dropzone/styles.css';
import { Button, Group, Image, Input, Paper, Progress, Stack, Text, TextInput } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { ImageUp, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { toProblem } from '@/api/problem';
import { problemWords } from '@/parts/problemWords';
import { useWords } from '@/words';
import { fetchPicture, uploadPicture } from './pictures';
import type { Picture } from './draft';
import { fieldId } from './fieldId';
import { sizeWords } from './sizeWords';
import type { DraftForm } from './useDraftForm';

const KINDS = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];
const LARGEST = 20 * 1024 * 1024;

export function PictureField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.message;
  const { picture } = form.values;
  const { share, take } = usePicture(form);
  return (
    <Input.Wrapper label={t.picture} description={t.pictureHint} error={form.errors.picture} labelElement="div" data-testid="campaigns-picture">
      <div id={fieldId('picture')} tabIndex={-1} style={{ marginTop: 6 }}>
        {picture !== null ? (
          <Stored picture={picture} onRemove={() => form.setFieldValue('picture', null)} />
        ) : (
          <Stack gap="xs">
            <Drop share={share} onFile={(file) => take((tell) => uploadPicture(file, tell))} onReject={() => form.setFieldError('picture', t.dropReject)} />
            <ByAddress isBusy={share !== null} onFetch={(address) => take((tell) => fetchPicture(address, tell))} />
          </Stack>
        )}
      </div>
    </Input.Wrapper>
  );
}

type Get = (onShare: (share: number) => void) => Promise<Picture>;

/** Runs an upload; its problem lands on the field. `share` is null when nothing is under way, else 0 to 1. */
function usePicture(form: DraftForm) {
  const t = useWords();
  const [share, setShare] = useState<number | null>(null);
  async function take(get: Get) {
    form.clearFieldError('picture');
    setShare(0);
    try {
      form.setFieldValue('picture', await get(setShare));
      form.clearFieldError('message');
    } catch (error) {
      const problem = toProblem(error);
      form.setFieldError('picture', problem.fields[0]?.message ?? problemWords(t, problem));
    } finally {
      setShare(null);
    }
  }
  return { share, take: (get: Get) => void take(get) };
}

function Drop({ share, onFile, onReject }: { share: number | null; onFile: (file: File) => void; onReject: () => void }) {
  const t = useWords().campaigns.editor.message;
  const isBusy = share !== null;
  return (
    <Dropzone
      onDrop={(files) => files[0] && onFile(files[0])}
      onReject={onReject}
      accept={KINDS}
      maxSize={LARGEST}
      multiple={false}
      disabled={isBusy}
      p="md"
      radius="md"
      aria-label={t.drop}
      inputProps={{ 'aria-label': t.drop, 'data-testid': 'campaigns-picture-file' } as Record<string, string>}
    >
      <Group justify="center" gap="sm" mih={64} style={{ pointerEvents: 'none' }}>
        <ImageUp size={26} strokeWidth={1.5} aria-hidden />
        {isBusy ? (
          <Stack gap={4} w={200} role="status">
            <Text size="sm">{share < 1 ? t.uploading : t.checking}</Text>
            <Progress value={share * 100} size="sm" animated={share >= 1} aria-label={t.uploading} />
          </Stack>
        ) : (
          <Text size="sm">{t.drop}</Text>
        )}
      </Group>
    </Dropzone>
  );
}

function ByAddress({ isBusy, onFetch }: { isBusy: boolean; onFetch: (address: string) => void }) {
  const t = useWords().campaigns.editor.message;
  const [address, setAddress] = useState('');
  const fetch = () => address.trim() !== '' && onFetch(address.trim());
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label={t.address}
        description={t.addressHint}
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          fetch();
        }}
        style={{ flex: 1 }}
        autoComplete="off"
        spellCheck={false}
        data-testid="campaigns-picture-address"
      />
      <Button variant="default" onClick={fetch} disabled={isBusy || address.trim() === ''} data-testid="campaigns-picture-fetch">
        {t.fetch}
      </Button>
    </Group>
  );
}

function Stored({ picture, onRemove }: { picture: Picture; onRemove: () => void }) {
  const t = useWords().campaigns.editor.message;
  const { size, original_size } = picture;
  const words = size === null ? t.kept : original_size === null || original_size === size ? t.stored(sizeWords(size)) : t.size(sizeWords(original_size), sizeWords(size));
  return (
    <Paper withBorder p="sm" data-testid="campaigns-picture-stored">
      <Group justify="space-between" wrap="nowrap">
        <Group gap="sm" wrap="nowrap">
          <Image src={picture.url} alt={t.alt} w={72} h={72} radius="sm" fit="cover" />
          <Text size="sm" data-testid="campaigns-picture-size">
            {words}
          </Text>
        </Group>
        <Button variant="default" size="sm" leftSection={<Trash2 size={15} aria-hidden />} onClick={onRemove} data-testid="campaigns-picture-remove">
          {t.remove}
        </Button>
      </Group>
    </Paper>
  );
}
