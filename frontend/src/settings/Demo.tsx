// Start the guided demo, or take everything of it away.
import { Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { Section } from '@/parts/Section';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useHasDemo, useRemoveDemo, useStartDemo } from './demo';

export function Demo() {
  const t = useWords().settings.demo;
  const navigate = useNavigate();
  const hasDemo = useHasDemo();
  const start = useStartDemo();
  const remove = useRemoveDemo();
  const [run, isBusy] = useAction();
  const [isAsking, asking] = useDisclosure(false);

  async function begin() {
    await run(async () => {
      const { campaign_id: campaign } = await start.mutateAsync();
      await navigate({ href: campaign ? `/campaigns/${campaign}` : '/' });
    }, t.started);
  }

  return (
    <Section title={t.title} hint={t.words}>
      {hasDemo ? (
        <Group>
          <Text size="sm">{t.present}</Text>
          <Button color="red" variant="light" onClick={asking.open} data-testid="demo-remove">
            {t.remove}
          </Button>
        </Group>
      ) : (
        <Group>
          <Button onClick={() => void begin()} loading={isBusy} data-testid="demo-start">
            {t.start}
          </Button>
        </Group>
      )}
      <ConfirmDelete
        opened={isAsking}
        onClose={asking.close}
        title={t.removeTitle}
        words={t.removeWords}
        action={t.remove}
        onConfirm={async () => {
          await remove.mutateAsync();
          tell(t.removed);
        }}
      />
    </Section>
  );
}
