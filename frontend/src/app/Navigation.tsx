// The sidebar: mark, places, and the switch that narrows it to icons.
import { ActionIcon, Box, CloseButton, Group, NavLink, Stack, Tooltip } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { PanelLeftClose, PanelLeftOpen } from 'lucide-react';
import { useWords } from '@/words';
import { Mark } from './Mark';
import { isAt, places } from './navigation';

interface Props {
  isNarrow: boolean;
  onNarrow?: () => void;
  /** Given where the sidebar is a drawer. */
  onClose?: () => void;
}

export function Navigation({ isNarrow, onNarrow, onClose }: Props) {
  const t = useWords();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <>
      <Group justify={isNarrow ? 'center' : 'space-between'} h={48} px={isNarrow ? 0 : 'xs'} mb="md" wrap="nowrap">
        <Mark withName={!isNarrow} />
        {onClose && <CloseButton variant="transparent" c="inherit" size="lg" aria-label={t.app.nav.close} onClick={onClose} />}
      </Group>
      <Stack gap={4} flex={1}>
        {places(t).map(({ to, label, icon: Icon }) => (
          <Tooltip key={to} label={label} position="right" disabled={!isNarrow}>
            <NavLink
              component={Link}
              to={to}
              label={isNarrow ? undefined : label}
              aria-label={label}
              aria-current={isAt(to, path) ? 'page' : undefined}
              leftSection={<Icon size={20} strokeWidth={1.8} aria-hidden />}
              active={isAt(to, path)}
              variant="subtle"
              className="hantar-nav-link"
              styles={isNarrow ? { root: { justifyContent: 'center' }, section: { marginInlineEnd: 0 }, body: { display: 'none' } } : undefined}
              data-testid={`nav-${to === '/' ? 'dashboard' : to.slice(1)}`}
            />
          </Tooltip>
        ))}
      </Stack>
      {onNarrow && (
        <Box ta={isNarrow ? 'center' : 'right'}>
          <Tooltip label={isNarrow ? t.app.nav.expand : t.app.nav.collapse} position="right">
            <ActionIcon variant="transparent" c="inherit" onClick={onNarrow} aria-label={isNarrow ? t.app.nav.expand : t.app.nav.collapse} data-testid="nav-narrow">
              {isNarrow ? <PanelLeftOpen size={18} aria-hidden /> : <PanelLeftClose size={18} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        </Box>
      )}
    </>
  );
}
