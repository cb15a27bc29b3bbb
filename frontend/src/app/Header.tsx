// The header: search, clock with its zone, colours, and the account.
import { ActionIcon, Avatar, Burger, Button, Group, Kbd, Menu, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { Link } from '@tanstack/react-router';
import { BookOpenText, Compass, Keyboard, LogOut, Monitor, Moon, Search, Settings2, Sun, UserRound } from 'lucide-react';
import { useState } from 'react';
import { useMe, useSignOut } from '@/accounts/hooks';
import { useFormat } from '@/parts/format';
import { useWords } from '@/words';
import { useColours } from './colours';
import { openShortcuts } from './Shortcuts';
import { Mark } from './Mark';

export function Header({ isDrawerOpen, onDrawer }: { isDrawerOpen: boolean; onDrawer: () => void }) {
  const t = useWords().app;
  return (
    <Group h="100%" px={{ base: 'md', sm: 'lg' }} justify="space-between" wrap="nowrap">
      <Group gap="sm" wrap="nowrap" hiddenFrom="sm">
        <Burger opened={isDrawerOpen} onClick={onDrawer} size="sm" aria-label={isDrawerOpen ? t.nav.close : t.nav.open} data-testid="header-burger" />
        <Mark size={24} onDark={false} />
      </Group>
      <Button
        visibleFrom="sm"
        variant="default"
        c="dimmed"
        fw={400}
        w={300}
        styles={{ label: { flex: 1, textAlign: 'left' } }}
        leftSection={<Search size={16} aria-hidden />}
        rightSection={<Kbd size="xs">{t.header.searchHint}</Kbd>}
        onClick={spotlight.open}
        data-testid="header-search"
      >
        {t.header.search}
      </Button>
      <Group gap={6} wrap="nowrap">
        <Clock />
        <Tooltip label={t.header.search}>
          <ActionIcon hiddenFrom="sm" aria-label={t.header.search} onClick={spotlight.open}>
            <Search size={19} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Colours />
        <Account />
      </Group>
    </Group>
  );
}

function Clock() {
  const t = useWords().app.header;
  const format = useFormat();
  const [now, setNow] = useState(() => new Date().toISOString());
  useInterval(() => setNow(new Date().toISOString()), 10_000, { autoInvoke: true });
  return (
    <Text
      size="sm"
      c="dimmed"
      visibleFrom="xs"
      mr="xs"
      role="timer"
      aria-live="off"
      aria-label={t.clock(format.moment(now), format.zone)}
      style={{ fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}
      data-testid="header-clock"
    >
      {format.moment(now)} · {format.zone}
    </Text>
  );
}

function Colours() {
  const t = useWords().app.header;
  const [colorScheme, choose] = useColours();
  const icons = { light: Sun, dark: Moon, auto: Monitor };
  const Icon = icons[colorScheme];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon aria-label={t.theme} data-testid="header-theme">
          <Icon size={19} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(['light', 'dark', 'auto'] as const).map((scheme) => {
          const Choice = icons[scheme];
          return (
            <Menu.Item
              key={scheme}
              leftSection={<Choice size={16} aria-hidden />}
              onClick={() => choose(scheme)}
              fw={scheme === colorScheme ? 650 : undefined}
              role="menuitemradio"
              aria-checked={scheme === colorScheme}
              data-testid={`header-theme-${scheme}`}
            >
              {t.themes[scheme]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

function Account() {
  const t = useWords().app.header;
  const { user } = useMe();
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <UnstyledButton style={{ borderRadius: '50%' }} data-testid="header-account">
          <Avatar name={user.full_name} color="tide" radius="xl" size={36} alt="" aria-hidden />
          <span className="hantar-read-only">{t.user(user.full_name)}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            {user.full_name}
          </Text>
          <Text size="xs" truncate>
            {user.email}
          </Text>
        </Menu.Label>
        <Menu.Item component={Link} to="/settings/profile" leftSection={<UserRound size={16} aria-hidden />}>
          {t.profile}
        </Menu.Item>
        <Menu.Item component={Link} to="/settings" leftSection={<Settings2 size={16} aria-hidden />}>
          {t.settings}
        </Menu.Item>
        {user.is_admin && (
          <Menu.Item component={Link} to="/setup" leftSection={<Compass size={16} aria-hidden />}>
            {t.setup}
          </Menu.Item>
        )}
        <Menu.Item component="a" href="/api/docs" target="_blank" leftSection={<BookOpenText size={16} aria-hidden />}>
          {t.apiDocs}
        </Menu.Item>
        <Menu.Item leftSection={<Keyboard size={16} aria-hidden />} onClick={openShortcuts}>
          {t.shortcuts}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => signOut.mutate()} data-testid="header-sign-out">
          {t.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
