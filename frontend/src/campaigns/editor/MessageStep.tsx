// Step 2: the text with its tools, the file, and a test to one number.
import { Button, Group, Stack } from '@mantine/core';
import { Send } from 'lucide-react';
import { useState } from 'react';
import { useWords } from '@/words';
import type { Lead } from '../types';
import { FileField } from './FileField';
import { TestDialog } from './TestDialog';
import { TextField } from './TextField';
import type { DraftForm } from './useDraftForm';

export function MessageStep({ form, sample }: { form: DraftForm; sample: Lead | null }) {
  const t = useWords().campaigns.editor.message;
  const [isTesting, setTesting] = useState(false);
  const { message, file } = form.values;
  const isEmpty = message.trim() === '' && file === null;
  return (
    <Stack gap="lg">
      <TextField form={form} />
      <FileField form={form} />
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
      {isTesting && <TestDialog message={message} file={file} sample={sample} onClose={() => setTesting(false)} />}
    </Stack>
  );
}
