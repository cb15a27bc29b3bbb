// On phones: the main places within reach of the thumb; the rest behind More.
import { Group, UnstyledButton } from '@mantine/core';
import { Link, useRouterState } from '@tanstack/react-router';
import { Menu } from 'lucide-react';
import { useWords } from '@/words';
import { isAt, places } from './navigation';

export function BottomBar({ onMore }: { onMore: () => void }) {
  const t = useWords();
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <Group component="nav" aria-label={t.app.nav.bottom} gap={0} wrap="nowrap" align="stretch">
      {places(t)
        .filter(({ to }) => to !== '/settings' && to !== '/consent' && to !== '/workers')
        .map(({ to, label, icon: Icon }) => (
          <Link
            key={to}
            to={to}
            className="hantar-bottom-link"
            data-active={isAt(to, path) || undefined}
            aria-current={isAt(to, path) ? 'page' : undefined}
            data-testid={`bottom-${to === '/' ? 'dashboard' : to.slice(1)}`}
          >
            <Icon size={20} strokeWidth={1.8} aria-hidden />
            {to === '/' ? t.app.nav.home : label}
          </Link>
        ))}
      <UnstyledButton className="hantar-bottom-link" onClick={onMore} data-testid="bottom-more">
        <Menu size={20} strokeWidth={1.8} aria-hidden />
        {t.app.nav.more}
      </UnstyledButton>
    </Group>
  );
}
