// The row under the header: where you are, the one h1 (which takes focus on arrival), and what you can do here.
import { ActionIcon, Anchor, Box, Breadcrumbs, Group, Text, Title, Tooltip } from '@mantine/core';
import { Link, useCanGoBack, useRouter } from '@tanstack/react-router';
import { ArrowLeft, House } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { useWords } from '@/words';

export interface Crumb {
  label: string;
  to: string;
}

interface Props {
  title: string;
  /** One sentence under the title. */
  lead?: ReactNode;
  /** Pages above this one, without Home and without itself. */
  crumbs?: Crumb[];
  /** State for the document title: "Paused". */
  state?: string;
  /** Beside the title, e.g. a StateBadge. */
  badge?: ReactNode;
  /** Buttons at the right: one filled, others outlined. */
  actions?: ReactNode;
}

export function PageHead({ title, lead, crumbs = [], state, badge, actions }: Props) {
  const t = useWords();
  const router = useRouter();
  const canGoBack = useCanGoBack();
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = t.app.title(title, state);
  }, [t, title, state]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);

  return (
    <Box component="header" mb="lg">
      <Group gap={6} mb={6} mih={30} className="hantar-crumbs">
        {canGoBack && (
          <Tooltip label={t.parts.back}>
            <ActionIcon aria-label={t.parts.back} size="md" onClick={() => router.history.back()} data-testid="page-back">
              <ArrowLeft size={17} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
        <Box component="nav" aria-label={t.app.breadcrumbs} style={{ minWidth: 0 }}>
          <Breadcrumbs separatorMargin={6} fz="sm" style={{ flexWrap: 'wrap', rowGap: 2 }}>
            <Anchor component={Link} to="/" size="sm" c="dimmed" aria-label={t.parts.home} style={{ display: 'inline-flex', padding: 4 }}>
              <House size={15} aria-hidden />
            </Anchor>
            {crumbs.map((crumb) => (
              <Anchor key={crumb.to} component={Link} to={crumb.to} size="sm" c="dimmed" maw={240} truncate="end">
                {crumb.label}
              </Anchor>
            ))}
            <Text size="sm" c="dimmed" aria-current="page" maw={280} truncate="end">
              {title}
            </Text>
          </Breadcrumbs>
        </Box>
      </Group>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Box style={{ minWidth: 0, flex: '1 1 260px' }}>
          <Group gap="sm" align="center">
            <Title order={1} ref={heading} tabIndex={-1} className="hantar-h1">
              {title}
            </Title>
            {badge}
          </Group>
          {lead !== undefined && (
            <Text c="dimmed" mt={4} maw={760}>
              {lead}
            </Text>
          )}
        </Box>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
    </Box>
  );
}
