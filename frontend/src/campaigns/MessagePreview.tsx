// How a message looks in WhatsApp: phone frame, bubble, picture with caption, marks drawn, variables filled in.
import { Group, SegmentedControl, Stack, Text, useComputedColorScheme } from '@mantine/core';
import { CheckCheck, User } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import classes from './MessagePreview.module.css';
import { filler, type Sample } from './variables';
import { pieces, type Piece } from './whatsapp';

interface Props {
  message: string;
  picture: string | null;
  sample: Sample | null;
}

type Colours = 'light' | 'dark';

export function MessagePreview({ message, picture, sample }: Props) {
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
          <Bubble message={message} picture={picture} sample={sample} />
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

function Bubble({ message, picture, sample }: Props) {
  const t = useWords().campaigns.editor.preview;
  const format = useFormat();
  const drawn = useMemo(() => pieces(message, filler(sample)), [message, sample]);
  const isEmpty = message.trim() === '' && picture === null;
  if (isEmpty) {
    return (
      <Text size="sm" className={classes.hint}>
        {t.empty}
      </Text>
    );
  }
  return (
    <div className={classes.bubble} data-testid="campaigns-preview-bubble">
      {picture !== null && <img src={picture} alt="" className={classes.picture} data-testid="campaigns-preview-picture" />}
      <div className={classes.text}>
        <Pieces found={drawn} missing={t.missingMark} />
        <span className={classes.stamp}>
          {format.time(new Date().toISOString())} <CheckCheck size={14} aria-hidden />
        </span>
      </div>
    </div>
  );
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
