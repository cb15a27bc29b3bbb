// Everything around the router: theme, data and the live line. Dialogs and toasts come with the shell.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { meQuery } from '@/accounts/hooks';
import { LiveLine } from '@/api/live';
import { makeQueryClient } from '@/api/query';
import { LiveContext } from '@/api/useLive';
import { liveRules } from './liveRules';
import { makeRouter } from './router';
import { theme, variables } from './theme';

const schemes = localStorageColorSchemeManager({ key: 'mantine-color-scheme-value' });

export function App() {
  const [cache] = useState(makeCache);
  const [router] = useState(() => makeRouter(cache));
  const [line] = useState(() => new LiveLine(cache, liveRules));
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={cache}>
        <LiveContext.Provider value={line}>
          <RouterProvider router={router} context={{ cache }} />
        </LiveContext.Provider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** The first question "who am I" may well be answered with "nobody"; only later is that a sign-in that ended. */
function makeCache() {
  const cache = makeQueryClient(() => {
    if (cache.getQueryData(meQuery.queryKey) !== undefined) toSignIn();
  });
  return cache;
}

/** A sign-in that ended while a page was open: sign in again, then come back here. */
function toSignIn() {
  const { pathname, search } = window.location;
  if (pathname === '/login' || pathname === '/register') return;
  window.location.assign(`/login?next=${encodeURIComponent(pathname + search)}`);
}
