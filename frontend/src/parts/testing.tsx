// For tests of parts: everything a part expects around itself. Never imported by pages.
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, type RenderResult } from '@testing-library/react';
import type { ReactNode } from 'react';
import { theme } from '@/app/theme';
import { ZoneProvider } from '@/app/zone';

export function show(part: ReactNode, { zone = 'UTC', cache = new QueryClient() } = {}): RenderResult & { cache: QueryClient } {
  const shown = render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={cache}>
        <ZoneProvider value={zone}>{part}</ZoneProvider>
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...shown, cache };
}
