// Everything around the router: theme, words, data, live line, modals and toasts.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { LiveLine } from '@/api/live';
import { makeQueryClient } from '@/api/query';
import { LiveContext } from '@/api/useLive';
import { useIsPhone } from '@/parts/usePhone';
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
          <ModalsProvider>
            <Toasts />
            <RouterProvider router={router} context={{ cache }} />
          </ModalsProvider>
        </LiveContext.Provider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Toasts() {
  const isPhone = useIsPhone();
  return <Notifications position={isPhone ? 'top-center' : 'bottom-right'} limit={3} />;
}
