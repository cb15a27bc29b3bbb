// One file of any kind, with or without a caption, to one number.
import { Input, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import type { Device } from '@/api/types';
import { FileCard } from '@/parts/FileCard';
import { FileDrop } from '@/parts/FileDrop';
import { LONGEST_CAPTION, uploadFile, type StoredFile } from '@/parts/files';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useUpload } from '@/parts/useUpload';
import { useWords } from '@/words';
import { RefusedSend, isRefused } from './RefusedSend';
import { useSendFile } from './hooks';

interface Values {
  phone: string;
  caption: string;
  file: StoredFile | null;
}

export function SendFile({ device }: { device: Device }) {
  const t = useWords();
  const words = t.devices.actions;
  const send = useSendFile();
  const form = useFileForm();
  const problem = useFormProblem(form);
  const { file } = form.values;

  async function submit(values: Values, knowingly = false) {
    if (values.file === null) return;
    problem.clear();
    try {
      const caption = values.file.kind === 'audio' ? '' : values.caption;
      await send.mutateAsync({ device_id: device.id, phone: values.phone.trim(), caption, media_id: values.file.media_id, confirm_opted_out: knowingly });
      tell(words.accepted);
      form.setValues({ caption: '', file: null });
    } catch (error) {
      problem.show(error);
    }
  }

  return (
    <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
      <Stack>
        {isRefused(problem.problem) ? (
          <RefusedSend problem={problem.problem} isBusy={send.isPending} onAnyway={() => void submit(form.getValues(), true)} />
        ) : (
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
        )}
        <TextInput label={words.phone} description={words.phoneHint} inputMode="tel" autoComplete="off" {...form.getInputProps('phone')} data-testid="send-file-phone" />
        <Choose form={form} />
        {file?.kind !== 'audio' && (
          <Textarea label={words.caption} autosize minRows={2} maxRows={6} {...form.getInputProps('caption')} data-testid="send-file-caption" />
        )}
      </Stack>
      <SubmitRow label={words.sendFile} isBusy={send.isPending} data-testid="send-file-submit" />
    </form>
  );
}

function useFileForm() {
  const { checks } = useWords().devices.actions;
  return useForm<Values>({
    initialValues: { phone: '', caption: '', file: null },
    validate: {
      phone: (value) => (value.trim() === '' ? checks.phoneMissing : null),
      caption: (value, { file }) => (file?.kind !== 'audio' && [...value].length > LONGEST_CAPTION ? checks.captionLong : null),
      file: (value) => (value === null ? checks.fileMissing : null),
    },
  });
}

function Choose({ form }: { form: ReturnType<typeof useFileForm> }) {
  const t = useWords();
  const [refused, setRefused] = useState<string | null>(null);
  const { share, take } = useUpload({
    set: (file) => {
      form.setFieldValue('file', file);
      form.clearFieldError('file');
    },
    fail: setRefused,
  });
  const { file } = form.values;
  return (
    <Input.Wrapper label={t.devices.actions.file} error={refused ?? form.errors.file} labelElement="div">
      {file === null ? (
        <FileDrop
          hint={t.parts.files.hint}
          share={share}
          onPick={(picked) => take((onShare) => uploadFile(picked, onShare))}
          onRefuse={() => setRefused(t.parts.files.refused)}
          data-testid="send-file-choose"
        />
      ) : (
        <FileCard file={file} onRemove={() => form.setFieldValue('file', null)} data-testid="send-file" />
      )}
    </Input.Wrapper>
  );
}
