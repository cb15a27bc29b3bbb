// Before something is lost: names act and object, lists what goes (with the API's counts) and what stays; Cancel has focus.
import { Button, Group, List, Modal, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { toProblem, type Problem } from '@/api/problem';
import { useWords } from '@/words';
import { ProblemSummary } from './ProblemNote';

interface Props {
  opened: boolean;
  onClose: () => void;
  /** "Delete device “Front desk”?" */
  title: string;
  /** The verb and what goes: "Delete device and 312 leads". */
  action: string;
  /** Null while the counts are on their way. */
  losses?: string[] | null;
  stays?: string[];
  words?: string;
  /** When set, this must be typed first. */
  typeName?: string;
  onConfirm: () => Promise<unknown>;
  'data-testid'?: string;
}

export function ConfirmDelete({ opened, onClose, title, action, losses = [], stays = [], words, typeName, onConfirm, 'data-testid': testId }: Props) {
  const t = useWords().parts;
  const [typed, setTyped] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const isReady = losses !== null && (typeName === undefined || typed.trim() === typeName.trim());

  async function confirm() {
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      close();
    } catch (error) {
      setProblem(toProblem(error));
    } finally {
      setBusy(false);
    }
  }

  function close() {
    setTyped('');
    setProblem(null);
    onClose();
  }

  return (
    <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ 'aria-label': t.close }} data-testid={testId}>
      <Stack>
        <ProblemSummary problem={problem} />
        {words !== undefined && <Text size="sm">{words}</Text>}
        {losses === null && <Skeleton height={60} />}
        {losses !== null && losses.length > 0 && (
          <div>
            <Text size="sm" fw={600}>
              {t.willBeDeleted}
            </Text>
            <List size="sm" data-testid="confirm-losses">
              {losses.map((loss) => (
                <List.Item key={loss}>{loss}</List.Item>
              ))}
            </List>
          </div>
        )}
        {stays.length > 0 && (
          <div>
            <Text size="sm" fw={600}>
              {t.willStay}
            </Text>
            <List size="sm">
              {stays.map((stay) => (
                <List.Item key={stay}>{stay}</List.Item>
              ))}
            </List>
          </div>
        )}
        {typeName !== undefined && (
          <TextInput
            label={t.typeToConfirm(typeName)}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            data-testid="confirm-name"
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus data-testid="confirm-cancel">
            {t.cancel}
          </Button>
          <Button color="red" onClick={() => void confirm()} loading={isBusy} disabled={!isReady} data-testid="confirm-delete">
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
