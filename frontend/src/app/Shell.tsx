// The frame around every page of someone signed in: navigation, header, notices, and the page in the middle.
import { AppShell, Box } from '@mantine/core';
import { useDisclosure, useLocalStorage } from '@mantine/hooks';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useContext, useEffect } from 'react';
import { useMe } from '@/accounts/hooks';
import { LiveContext } from '@/api/useLive';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { BottomBar } from './BottomBar';
import { useAccountColours } from './colours';
import { Header } from './Header';
import { Navigation } from './Navigation';
import { Notices } from './Notices';
import { PageChange } from './PageChange';
import { Shortcuts } from './Shortcuts';
import { SearchBox } from './SearchBox';
import { browserZone, ZoneProvider } from './zone';

export default function Shell() {
  const t = useWords().app;
  const me = useMe();
  const isPhone = useIsPhone();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [isDrawerOpen, drawer] = useDisclosure(false);
  const [isNarrow, setNarrow] = useLocalStorage({ key: 'hantar-nav-narrow', defaultValue: false, getInitialValueInEffect: false });

  useLiveLine();
  useAccountColours();
  useEffect(() => drawer.close(), [path]);

  return (
    <ZoneProvider value={me.user.time_zone || browserZone()}>
      <ModalsProvider>
        <Notifications position={isPhone ? 'top-center' : 'bottom-right'} limit={3} />
        <a href="#page" className="hantar-skip">
          {t.skip}
        </a>
        <PageChange />
        <AppShell
          layout="alt"
          header={{ height: 60 }}
          navbar={{ width: isNarrow && !isPhone ? 76 : 232, breakpoint: 'sm', collapsed: { mobile: !isDrawerOpen } }}
          footer={{ height: 57, collapsed: !isPhone }}
          padding={{ base: 'md', sm: 'lg' }}
        >
          <AppShell.Header className="hantar-header" withBorder={false}>
            <Header isDrawerOpen={isDrawerOpen} onDrawer={drawer.toggle} />
          </AppShell.Header>
          <AppShell.Navbar className="hantar-frame" withBorder={false} aria-label={t.nav.label} p={isNarrow && !isPhone ? 'xs' : 'sm'}>
            <Navigation isNarrow={isNarrow && !isPhone} onNarrow={isPhone ? undefined : () => setNarrow(!isNarrow)} onClose={isPhone ? drawer.close : undefined} />
          </AppShell.Navbar>
          <AppShell.Main id="page" tabIndex={-1} style={{ outline: 'none' }}>
            <Notices />
            <Box className="hantar-page">
              <Outlet />
            </Box>
          </AppShell.Main>
          <AppShell.Footer className="hantar-bottom" withBorder={false} hiddenFrom="sm">
            <BottomBar onMore={drawer.open} />
          </AppShell.Footer>
        </AppShell>
        <SearchBox />
        <Shortcuts />
      </ModalsProvider>
    </ZoneProvider>
  );
}

/** The line is open while someone is signed in. */
function useLiveLine() {
  const line = useContext(LiveContext);
  useEffect(() => {
    line?.start();
    return () => line?.stop();
  }, [line]);
}
