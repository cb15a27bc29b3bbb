// Everything around the router: theme, data and the live line. Dialogs and toasts come with the shell.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { LiveLine } from '@/api/live';
import { makeQueryClient } from '@/api/query';
import { LiveContext } from '@/api/useLive';
import { liveRules } from './liveRules';
import { makeRouter } from './router';
import { theme, variables } from './theme';

const schemes = localStorageColorSchemeManager({ key: 'mantine-color-scheme-value' });

export function App() {
  const [cache] = useState(makeQueryClient);
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
