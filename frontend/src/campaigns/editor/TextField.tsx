// The message's text: marks, variables and emoji by button, and how much of WhatsApp's length is used.
import { ActionIcon, Group, Input, Popover, Text, Textarea, Tooltip } from '@mantine/core';
import { Bold, Code, Italic, Smile, Strikethrough, type LucideIcon } from 'lucide-react';
import { useRef, useState } from 'react';
import { LONGEST_CAPTION } from '@/parts/files';
import { useWords } from '@/words';
import { LONGEST_TEXT, lengthOf } from './draft';
import classes from './TextField.module.css';
import { fieldId } from './fieldId';
import { putIn, wrapWith } from './textTools';
import type { DraftForm } from './useDraftForm';
import { VariableMenu } from './VariableMenu';

const emoji = [...'😀😊😍🙏👍👋💪🎉🎁🔥⭐❤️✅📅📍📞🛒💬🙂😉🤝👏🥳🌟🌸🍀☀️⏰📦💡'.match(/\p{Extended_Pictographic}\uFE0F?/gu) ?? []];

type Tool = 'bold' | 'italic' | 'strike' | 'mono';
const tools: [name: Tool, sign: string, icon: LucideIcon][] = [
  ['bold', '*', Bold],
  ['italic', '_', Italic],
  ['strike', '~', Strikethrough],
  ['mono', '```', Code],
];

export function TextField({ form }: { form: DraftForm }) {
  const t = useWords().campaigns.editor.message;
  const area = useRef<HTMLTextAreaElement>(null);
  const put = (text: string) => area.current !== null && putIn(area.current, text);
  return (
    <div>
      <Group justify="space-between" align="flex-end" gap="xs" mb={4}>
        <div>
          <Input.Label htmlFor={fieldId('message')}>{t.text}</Input.Label>
          <Input.Description id={`${fieldId('message')}-hint`}>{t.textHint}</Input.Description>
        </div>
        <Group gap={2} role="group" aria-label={t.tools}>
          {tools.map(([name, sign, Icon]) => (
            <Tooltip key={name} label={t[name]}>
              <ActionIcon aria-label={t[name]} onClick={() => area.current && wrapWith(area.current, sign)} data-testid={`campaigns-message-${name}`}>
                <Icon size={17} aria-hidden />
              </ActionIcon>
            </Tooltip>
          ))}
          <EmojiMenu onChoose={put} />
          <VariableMenu onChoose={put} />
        </Group>
      </Group>
      <Textarea
        id={fieldId('message')}
        ref={area}
        autosize
        minRows={7}
        maxRows={18}
        aria-describedby={`${fieldId('message')}-hint`}
        {...form.getInputProps('message')}
        data-testid="campaigns-message-text"
      />
      <Counter length={lengthOf(form.values.message)} most={form.values.file === null ? LONGEST_TEXT : LONGEST_CAPTION} />
    </div>
  );
}

function Counter({ length, most }: { length: number; most: number }) {
  const t = useWords().campaigns.editor.message;
  const isOver = length > most;
  const isNear = length > most - 200;
  return (
    <Text size="xs" ta="right" mt={4} c={isOver ? 'red' : 'dimmed'} data-testid="campaigns-message-counter">
      {t.counter(length, most)}
      <span className="hantar-read-only" role="status">
        {isNear ? t.counterLeft(most - length) : ''}
      </span>
    </Text>
  );
}

function EmojiMenu({ onChoose }: { onChoose: (text: string) => void }) {
  const t = useWords().campaigns.editor.message;
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus returnFocus position="bottom-end" shadow="sm">
      <Popover.Target>
        <Tooltip label={t.emoji} disabled={isOpen}>
          <ActionIcon aria-label={t.emoji} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} data-testid="campaigns-message-emoji">
            <Smile size={17} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={t.emojiChoose}>
        <div className={classes.emoji}>
          {emoji.map((each) => (
            <ActionIcon
              key={each}
              fz="lg"
              onClick={() => {
                setOpen(false);
                onChoose(each);
              }}
            >
              {each}
            </ActionIcon>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
