// Step 2: the text with its tools, the picture, and a test to one number.
import { Button, Group, Stack } from '@mantine/core';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { useWords } from '@/words';
import type { Lead } from '../types';
import { PictureField } from './PictureField';
import { TestDialog } from './TestDialog';
import { TextField } from './TextField';
import type { DraftForm } from './useDraftForm';

export function MessageStep({ form, sample }: { form: DraftForm; sample: Lead | null }) {
  const t = useWords().campaigns.editor.message;
  const [isTesting, setTesting] = useState(false);
  const { message, picture } = form.values;
  const isEmpty = message.trim() === '' && picture === null;
  return (
    <Stack gap="lg">
      <TextField form={form} />
      <PictureField form={form} />
      <Group>
        <Button
          variant="default"
          leftSection={<Send size={16} aria-hidden />}
          onClick={() => setTesting(true)}
          disabled={isEmpty}
          data-testid="campaigns-message-test"
        >
          {t.test}
        </Button>
      </Group>
      {isTesting && <TestDialog message={message} picture={picture} sample={sample} onClose={() => setTesting(false)} />}
    </Stack>
  );
}
