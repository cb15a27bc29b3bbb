// Settings: one's own profile for everyone, the rest for the owner.
import { Anchor, Grid, NavLink, ScrollArea, Tabs } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { FlaskConical, KeyRound, ScrollText, UserRound, Warehouse, type LucideIcon } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import { PageHead } from '@/parts/PageHead';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';
import { ApiKeys } from './ApiKeys';
import { Audit } from './Audit';
import { Demo } from './Demo';
import { Profile } from './Profile';
import { Workspace } from './Workspace';

const route = getRouteApi('/shell/settings/$section');

const icons: Record<string, LucideIcon> = { profile: UserRound, workspace: Warehouse, 'api-keys': KeyRound, audit: ScrollText, demo: FlaskConical };

export default function SettingsPage() {
  const t = useWords();
  const words = t.settings;
  const { section } = route.useParams();
  const navigate = useNavigate();
  const isOwner = useMay('owner');
  const isPhone = useIsPhone();
  const offered = isOwner ? ['profile', 'workspace', 'api-keys', 'audit', 'demo'] : ['profile'];
  const here = offered.includes(section) ? section : 'profile';

  return (
    <>
      <PageHead key={here} title={words.sections[here] ?? words.title} crumbs={[{ label: words.title, to: '/settings' }]} />
      <Grid gap="xl">
        {offered.length > 1 && (
          <Grid.Col span={{ base: 12, sm: 3, lg: 2 }}>
            {isPhone ? (
              <ScrollArea type="never">
                <Tabs value={here} onChange={(next) => next && void navigate({ to: '/settings/$section', params: { section: next } })}>
                  <Tabs.List style={{ flexWrap: 'nowrap' }}>
                    {offered.map((one) => (
                      <Tabs.Tab key={one} value={one}>
                        {words.sections[one]}
                      </Tabs.Tab>
                    ))}
                  </Tabs.List>
                </Tabs>
              </ScrollArea>
            ) : (
              <nav aria-label={words.navigation}>
                {offered.map((one) => {
                  const Icon = icons[one] ?? UserRound;
                  return (
                    <NavLink
                      key={one}
                      component={Link}
                      to={`/settings/${one}`}
                      label={words.sections[one]}
                      active={one === here}
                      aria-current={one === here ? 'page' : undefined}
                      leftSection={<Icon size={18} aria-hidden />}
                      style={{ borderRadius: 'var(--mantine-radius-md)' }}
                      data-testid={`settings-${one}`}
                    />
                  );
                })}
                <Anchor href="/api/docs" target="_blank" size="sm" mt="md" px="sm" display="block">
                  {words.keys.docs}
                </Anchor>
              </nav>
            )}
          </Grid.Col>
        )}
        <Grid.Col span={{ base: 12, sm: offered.length > 1 ? 9 : 12, lg: offered.length > 1 ? 10 : 12 }} maw={here === 'audit' ? undefined : 960}>
          {here === 'profile' && <Profile />}
          {here === 'workspace' && <Workspace />}
          {here === 'api-keys' && <ApiKeys />}
          {here === 'audit' && <Audit />}
          {here === 'demo' && <Demo />}
        </Grid.Col>
      </Grid>
    </>
  );
}
