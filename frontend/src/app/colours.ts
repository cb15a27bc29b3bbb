// The colour scheme: kept in this browser at once, and with the account for other browsers.
import { useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import { useMe, useSaveProfile } from '@/accounts/hooks';

const KEY = 'mantine-color-scheme-value';

/** Gives [scheme, choose]. */
export function useColours(): [MantineColorScheme, (scheme: MantineColorScheme) => void] {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const save = useSaveProfile();
  return [
    colorScheme,
    (scheme) => {
      setColorScheme(scheme);
      save.mutate({ theme: scheme === 'auto' ? 'system' : scheme });
    },
  ];
}

/** In a browser that was never asked, the account's choice counts. */
export function useAccountColours(): void {
  const { theme } = useMe().user;
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (localStorage.getItem(KEY) !== null) return;
    if (theme === 'light' || theme === 'dark') setColorScheme(theme);
  }, [theme, setColorScheme]);
}
