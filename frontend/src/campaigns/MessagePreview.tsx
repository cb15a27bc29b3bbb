// How a message looks in WhatsApp: phone frame, bubble, file with caption, marks drawn, variables filled in.
import { Group, SegmentedControl, Stack, Text, useComputedColorScheme } from '@mantine/core';
import { CheckCheck, FileText, User } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import type { StoredFile } from '@/parts/files';
import { useFormat } from '@/parts/format';
import { sizeWords } from '@/parts/sizeWords';
import { useWords } from '@/words';
import classes from './MessagePreview.module.css';
import { filler, type Sample } from './variables';
import { pieces, type Piece } from './whatsapp';

interface Props {
  message: string;
  file: StoredFile | null;
  sample: Sample | null;
}

type Colours = 'light' | 'dark';

export function MessagePreview({ message, file, sample }: Props) {
  const t = useWords().campaigns.editor.preview;
  const page = useComputedColorScheme('light');
  const [chosen, setChosen] = useState<Colours | null>(null);
  const colours = chosen ?? page;
  return (
    <Stack gap="sm" align="center">
      <div className={classes.phone} data-colours={colours} role="group" aria-label={t.label}>
        <Head sample={sample} />
        <div className={classes.chat}>
          <span className={classes.day}>{t.today}</span>
          <Bubble message={message} file={file} sample={sample} />
        </div>
      </div>
      <Group gap="xs">
        <SegmentedControl
          size="xs"
          aria-label={t.colours}
          data={[
            { value: 'light', label: t.light },
            { value: 'dark', label: t.dark },
          ]}
          value={colours}
          onChange={(value) => setChosen(value as Colours)}
          data-testid="campaigns-preview-colours"
        />
      </Group>
    </Stack>
  );
}

function Head({ sample }: { sample: Sample | null }) {
  const t = useWords().campaigns.editor.preview;
  return (
    <div className={classes.head}>
      <span className={classes.avatar}>
        <User size={17} aria-hidden />
      </span>
      <span className={classes.who}>
        <span className={classes.name}>{sample?.name || t.business}</span>
        <span className={classes.online}>{t.online}</span>
      </span>
    </div>
  );
}

function Bubble({ message, file, sample }: Props) {
  const t = useWords().campaigns.editor.preview;
  const format = useFormat();
  const drawn = useMemo(() => pieces(message, filler(sample)), [message, sample]);
  const isEmpty = message.trim() === '' && file === null;
  if (isEmpty) {
    return (
      <Text size="sm" className={classes.hint}>
        {t.empty}
      </Text>
    );
  }
  return (
    <div className={classes.bubble} data-testid="campaigns-preview-bubble">
      {file !== null && <Attached file={file} />}
      <div className={classes.text}>
        <Pieces found={drawn} missing={t.missingMark} />
        <span className={classes.stamp}>
          {format.time(new Date().toISOString())} <CheckCheck size={14} aria-hidden />
        </span>
      </div>
    </div>
  );
}

function Attached({ file }: { file: StoredFile }) {
  const t = useWords().parts.files;
  const testId = `campaigns-preview-${file.kind}`;
  switch (file.kind) {
    case 'image':
      return <img src={file.url} alt="" className={classes.picture} data-testid={testId} />;
    case 'video':
      return <video src={file.url} controls preload="metadata" aria-label={t.kinds.video} className={classes.picture} data-testid={testId} />;
    case 'audio':
      return <audio src={file.url} controls preload="metadata" aria-label={t.kinds.audio} className={classes.sound} data-testid={testId} />;
    case 'document':
      return (
        <div className={classes.document} data-testid={testId}>
          <FileText size={28} strokeWidth={1.5} aria-hidden />
          <span className={classes.who}>
            <span className={classes.fileName}>{file.name}</span>
            {file.size !== null && <span className={classes.fileSize}>{sizeWords(file.size)}</span>}
          </span>
        </div>
      );
  }
}

function Pieces({ found, missing }: { found: Piece[]; missing: string }): ReactNode {
  return found.map((piece, index) => <One key={index} piece={piece} missing={missing} />);
}

function One({ piece, missing }: { piece: Piece; missing: string }) {
  switch (piece.kind) {
    case 'text':
      return piece.text;
    case 'value':
      return piece.isMissing ? (
        <mark className={classes.missing} title={missing}>
          {piece.text}
        </mark>
      ) : (
        <span className={classes.value}>{piece.text}</span>
      );
    case 'bold':
      return (
        <strong>
          <Pieces found={piece.pieces} missing={missing} />
        </strong>
      );
    case 'italic':
      return (
        <em>
          <Pieces found={piece.pieces} missing={missing} />
        </em>
      );
    case 'strike':
      return (
        <s>
          <Pieces found={piece.pieces} missing={missing} />
        </s>
      );
    case 'mono':
      return (
        <code className={classes.mono}>
          <Pieces found={piece.pieces} missing={missing} />
        </code>
      );
  }
}
