// A titled card: the usual box of a page.
import { Box, Card, Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useId } from 'react';

interface Props {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  order?: 2 | 3;
  'data-testid'?: string;
}

export function Section({ title, hint, actions, children, order = 2, 'data-testid': testId }: Props) {
  const id = useId();
  return (
    <Card component="section" aria-labelledby={id} data-testid={testId}>
      <Group justify="space-between" align="flex-start" mb="md" gap="xs">
        <Box style={{ flex: '1 1 200px', minWidth: 0 }}>
          <Title order={order} id={id} size="h3">
            {title}
          </Title>
          {hint !== undefined && (
            <Text size="sm" c="dimmed" component="div">
              {hint}
            </Text>
          )}
        </Box>
        {actions}
      </Group>
      {children}
    </Card>
  );
}
