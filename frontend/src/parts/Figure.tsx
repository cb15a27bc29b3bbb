// One number with its name; a link or a button when it leads somewhere.
import { Group, Paper, Skeleton, Text, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { address } from './address';
import { number } from '@/words/count';

interface Props {
  label: string;
  /** Numbers are grouped; null shows a skeleton. */
  value: number | string | null | undefined;
  hint?: ReactNode;
  icon?: ReactNode;
  /** Colour of the number, for what needs a person. */
  color?: string;
  to?: string;
  onClick?: () => void;
  isPressed?: boolean;
  'data-testid'?: string;
}

export function Figure({ label, value, hint, icon, color, to, onClick, isPressed, 'data-testid': testId }: Props) {
  const body = (
    <Paper p="md" className="hantar-figure" data-pressed={isPressed || undefined} h="100%">
      <Group gap={6} wrap="nowrap" c="dimmed">
        {icon}
        <Text size="sm" lineClamp={1}>
          {label}
        </Text>
      </Group>
      {value === null || value === undefined ? (
        <Skeleton height={30} width={64} mt={6} />
      ) : (
        <Text className="hantar-figure-number" c={color}>
          {typeof value === 'number' ? number(value) : value}
        </Text>
      )}
      {hint !== undefined && (
        <Text size="xs" c="dimmed" component="div">
          {hint}
        </Text>
      )}
    </Paper>
  );
  if (to !== undefined) {
    return (
      <UnstyledButton component={Link} {...address(to)} className="hantar-figure-link" data-testid={testId}>
        {body}
      </UnstyledButton>
    );
  }
  if (onClick !== undefined) {
    return (
      <UnstyledButton onClick={onClick} aria-pressed={isPressed} className="hantar-figure-link" data-testid={testId}>
        {body}
      </UnstyledButton>
    );
  }
  return <div data-testid={testId}>{body}</div>;
}
