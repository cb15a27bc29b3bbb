// The keyboard: two-key jumps, `/` to the search, `n` for new, `?` for the list. Single keys can be switched off.
import { Kbd, Modal, Switch, Table } from '@mantine/core';
import { useDisclosure, useLocalStorage } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useWords } from '@/words';
import { isTyping, jumpFor } from './keys';

const OPEN = 'hantar:shortcuts';

/** Opens the list of shortcuts from anywhere. */
export function openShortcuts(): void {
  window.dispatchEvent(new Event(OPEN));
}

export function Shortcuts() {
  const t = useWords();
  const navigate = useNavigate();
  const [isOpen, modal] = useDisclosure(false);
  const [isOn, setOn] = useLocalStorage({ key: 'hantar-single-keys', defaultValue: true, getInitialValueInEffect: false });
  const lastG = useRef(0);

  useEffect(() => {
    const open = () => modal.open();
    window.addEventListener(OPEN, open);
    return () => window.removeEventListener(OPEN, open);
  }, [modal]);

  useEffect(() => {
    if (!isOn) return;
    function onKey(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const isJump = event.timeStamp - lastG.current < 1200;
      lastG.current = event.key === 'g' ? event.timeStamp : 0;
      const place = isJump ? jumpFor(event.key) : undefined;
      if (place !== undefined) {
        event.preventDefault();
        void navigate({ to: place });
      } else if (event.key === '?') modal.open();
      else if (event.key === '/') press(event, '[data-page-search]', (found) => found.focus());
      else if (event.key === 'n') press(event, '[data-page-new]', (found) => found.click());
    }
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isOn, modal, navigate]);

  return (
    <Modal opened={isOpen} onClose={modal.close} title={t.app.shortcuts.title} closeButtonProps={{ 'aria-label': t.parts.close }}>
      <Table>
        <Table.Tbody>
          {t.app.shortcuts.list.map(([keys, words]) => (
            <Table.Tr key={keys}>
              <Table.Td w={120}>
                <Kbd>{keys}</Kbd>
              </Table.Td>
              <Table.Td>{words}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label={t.app.shortcuts.off}
        description={t.app.shortcuts.offHint}
        checked={isOn}
        onChange={(event) => setOn(event.currentTarget.checked)}
      />
    </Modal>
  );
}

function press(event: KeyboardEvent, selector: string, act: (found: HTMLElement) => void) {
  const found = document.querySelector<HTMLElement>(selector);
  if (found === null) return;
  event.preventDefault();
  act(found);
}
