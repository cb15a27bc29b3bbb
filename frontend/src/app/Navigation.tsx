// The sidebar: mark, places, and the switch that narrows it to icons.
import { ActionIcon, Badge, Box, CloseButton, Group, Indicator, NavLink, Stack, Tooltip } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { PanelLeftClose, PanelLeftOpen } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { useHoldCount } from '@/consent/hooks';
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
  const holds = useHoldCount(useMay('operator')).data ?? 0;
  return (
    <>
      <Group justify={isNarrow ? 'center' : 'space-between'} h={48} px={isNarrow ? 0 : 'xs'} mb="md" wrap="nowrap">
        <Mark withName={!isNarrow} />
        {onClose && <CloseButton variant="transparent" c="inherit" size="lg" aria-label={t.app.nav.close} onClick={onClose} />}
      </Group>
      <Stack gap={4} flex={1}>
        {places(t).map(({ to, label, icon: Icon }) => {
          const waiting = to === '/consent' ? holds : 0;
          const name = waiting > 0 ? t.app.nav.withWaiting(label, waiting) : label;
          const icon = <Icon size={20} strokeWidth={1.8} aria-hidden />;
          return (
            <Tooltip key={to} label={name} position="right" disabled={!isNarrow}>
              <NavLink
                component={Link}
                to={to}
                label={isNarrow ? undefined : label}
                aria-label={name}
                aria-current={isAt(to, path) ? 'page' : undefined}
                leftSection={isNarrow && waiting > 0 ? <Indicator color="yellow">{icon}</Indicator> : icon}
                rightSection={
                  !isNarrow && waiting > 0 ? (
                    <Badge size="sm" color="yellow" className="hantar-state-yellow" aria-hidden data-testid="nav-holds">
                      {waiting}
                    </Badge>
                  ) : undefined
                }
                active={isAt(to, path)}
                variant="subtle"
                className="hantar-nav-link"
                styles={isNarrow ? { root: { justifyContent: 'center' }, section: { marginInlineEnd: 0 }, body: { display: 'none' } } : undefined}
                data-testid={`nav-${to === '/' ? 'dashboard' : to.slice(1)}`}
              />
            </Tooltip>
          );
        })}
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
