// The row at the foot of each step: back, forward, or on the last step what happens.
import { Button, Group } from '@mantine/core';
import type { ReactNode } from 'react';
import { useWords } from '@/words';
import classes from './Editor.module.css';
import { steps, type Step } from './steps';

interface Props {
  step: Step;
  onStep: (step: Step) => void;
  /** Instead of Next, on the last step. */
  children?: ReactNode;
}

export function Moves({ step, onStep, children }: Props) {
  const t = useWords().campaigns.editor;
  const at = steps.indexOf(step);
  const before = steps[at - 1];
  const after = steps[at + 1];
  return (
    <Group justify="space-between" gap="xs" className={classes.bar}>
      {before === undefined ? (
        <span />
      ) : (
        <Button variant="default" onClick={() => onStep(before)} data-testid="campaigns-editor-back">
          {t.back}
        </Button>
      )}
      {children}
      {after !== undefined && (
        <Button onClick={() => onStep(after)} data-testid="campaigns-editor-next">
          {t.next}
        </Button>
      )}
    </Group>
  );
}
