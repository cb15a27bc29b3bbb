// One picture, with or without a caption, to one number.
import { ActionIcon, Checkbox, Group, Image, Stack, Text, Textarea, TextInput, Tooltip } from '@mantine/core';
import { useForm } from '@mantine/form';
import { ImageUp, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Device } from '@/api/types';
import { PictureDrop } from '@/parts/PictureDrop';
import { ProblemSummary } from '@/parts/ProblemNote';
import { RefusedSend, isRefused } from './RefusedSend';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useSendImage } from './hooks';

export function SendImage({ device }: { device: Device }) {
  const t = useWords().devices.actions;
  const send = useSendImage();
  const form = useForm({
    initialValues: { phone: '', caption: '', view_once: false, image: null as File | null },
    validate: {
      phone: (value) => (value.trim() === '' ? t.checks.phoneMissing : null),
      image: (value) => (value === null ? t.checks.pictureMissing : null),
    },
  });
  const problem = useFormProblem(form);
  const image = form.values.image;

  async function submit(values: typeof form.values, knowingly = false) {
    if (values.image === null) return;
    problem.clear();
    try {
      await send.mutateAsync({
        device_id: device.id,
        phone: values.phone.trim(),
        caption: values.caption,
        view_once: values.view_once,
        image: values.image,
        confirm_opted_out: knowingly,
      });
      tell(t.accepted);
      form.setValues({ caption: '', image: null, view_once: false });
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
        <TextInput label={t.phone} description={t.phoneHint} inputMode="tel" autoComplete="off" {...form.getInputProps('phone')} data-testid="send-image-phone" />
        {image === null ? (
          <div>
            <Text size="sm" fw={500} mb={4}>
              {t.picture}
            </Text>
            <PictureDrop
              icon={ImageUp}
              words={t.drop}
              hint={t.dropHint}
              onPick={(file) => form.setFieldValue('image', file)}
              onRefuse={() => form.setFieldError('image', t.checks.pictureRefused)}
              data-testid="send-image-drop"
            />
            {form.errors.image && (
              <Text size="xs" c="red" mt={4} role="alert">
                {form.errors.image}
              </Text>
            )}
          </div>
        ) : (
          <Picked file={image} onRemove={() => form.setFieldValue('image', null)} />
        )}
        <Textarea label={t.caption} autosize minRows={2} maxRows={6} {...form.getInputProps('caption')} data-testid="send-image-caption" />
        <Checkbox label={t.viewOnce} {...form.getInputProps('view_once', { type: 'checkbox' })} />
      </Stack>
      <SubmitRow label={t.sendImage} isBusy={send.isPending} data-testid="send-image-submit" />
    </form>
  );
}

function Picked({ file, onRemove }: { file: File; onRemove: () => void }) {
  const t = useWords().devices.actions;
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <Group wrap="nowrap" gap="sm">
      <Image src={address} alt="" w={96} h={96} radius="md" fit="cover" />
      <Text size="sm" style={{ flex: 1, overflowWrap: 'anywhere' }}>
        {file.name}
      </Text>
      <Tooltip label={t.remove}>
        <ActionIcon aria-label={t.remove} onClick={onRemove}>
          <Trash2 size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
