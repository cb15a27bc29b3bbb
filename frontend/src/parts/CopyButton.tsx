// Copies a text and says so.
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Check, Copy } from 'lucide-react';
import { useWords } from '@/words';

interface Props {
  value: string;
  /** What is copied, for the name of an icon button. */
  label?: string;
  /** A button with a word instead of an icon. */
  withText?: boolean;
  'data-testid'?: string;
}

export function CopyButton({ value, label, withText = false, 'data-testid': testId }: Props) {
  const t = useWords().parts;
  const clipboard = useClipboard({ timeout: 1500 });
  const Icon = clipboard.copied ? Check : Copy;
  const words = clipboard.copied ? t.copied : (label ?? t.copy);
  if (withText) {
    return (
      <Button variant="default" leftSection={<Icon size={16} aria-hidden />} onClick={() => clipboard.copy(value)} data-testid={testId}>
        <span aria-live="polite">{words}</span>
      </Button>
    );
  }
  return (
    <Tooltip label={words}>
      <ActionIcon size="sm" aria-label={words} onClick={() => clipboard.copy(value)} data-testid={testId}>
        <Icon size={14} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
