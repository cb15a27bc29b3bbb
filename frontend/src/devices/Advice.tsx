// What a state means and what a person should do about it.
import { Button, Stack, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useWords } from '@/words';
import { canLink } from './groups';

interface Props {
  state: string;
  reason: string | null;
  until: string | null;
  onLink?: () => void;
}

export function Advice({ state, reason, until, onLink }: Props) {
  const t = useWords().devices;
  return (
    <Stack>
      {reason && <Text fw={600}>{reason}</Text>}
      <Text>{t.advice[state]}</Text>
      {until && <Text>{until}</Text>}
      {onLink && canLink(state) && (
        <Button
          onClick={() => {
            modals.closeAll();
            onLink();
          }}
        >
          {t.main.scan}
        </Button>
      )}
    </Stack>
  );
}
