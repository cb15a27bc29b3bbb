// The message's file: dropped or chosen; a picture also fetched from an address or data URL. Pictures are stored at 350 KB or less.
import { Button, Group, Input, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { FileCard } from '@/parts/FileCard';
import { FileDrop } from '@/parts/FileDrop';
import { fetchPicture, uploadFile } from '@/parts/files';
import { useUpload } from '@/parts/useUpload';
import { useWords } from '@/words';
import { fieldId } from './fieldId';
import type { DraftForm } from './useDraftForm';

export function FileField({ form }: { form: DraftForm }) {
  const t = useWords();
  const words = t.campaigns.editor.message;
  const { file } = form.values;
  const { share, take } = useUpload({
    set: (stored) => {
      form.setFieldValue('file', stored);
      form.clearFieldError('message');
    },
    fail: (problem) => (problem === null ? form.clearFieldError('file') : form.setFieldError('file', problem)),
  });
  return (
    <Input.Wrapper label={words.file} description={t.parts.files.hint} error={form.errors.file} labelElement="div" data-testid="campaigns-file">
      <div id={fieldId('file')} tabIndex={-1} style={{ marginTop: 6 }}>
        {file !== null ? (
          <FileCard file={file} onRemove={() => form.setFieldValue('file', null)} data-testid="campaigns-file" />
        ) : (
          <Stack gap="xs">
            <FileDrop
              share={share}
              onPick={(picked) => take((tell) => uploadFile(picked, tell))}
              onRefuse={() => form.setFieldError('file', t.parts.files.refused)}
              data-testid="campaigns-file-choose"
            />
            <ByAddress isBusy={share !== null} onFetch={(address) => take((tell) => fetchPicture(address, tell))} />
          </Stack>
        )}
      </div>
    </Input.Wrapper>
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
        data-testid="campaigns-file-address"
      />
      <Button variant="default" onClick={fetch} disabled={isBusy || address.trim() === ''} data-testid="campaigns-file-fetch">
        {t.fetch}
      </Button>
    </Group>
  );
}
