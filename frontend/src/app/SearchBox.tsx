// Ctrl+K: pages, actions, and devices by name.
import { useComputedColorScheme } from '@mantine/core';
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { FileUp, Megaphone, Moon, Search, Smartphone } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { useDeviceSearch } from '@/devices/hooks';
import { useWords } from '@/words';
import { useColours } from './colours';
import { places } from './navigation';

export function SearchBox() {
  const t = useWords();
  const navigate = useNavigate();
  const mayEdit = useMay('operator');
  const isDark = useComputedColorScheme() === 'dark';
  const [, choose] = useColours();
  const [query, setQuery] = useState('');
  const devices = useDeviceSearch(query);

  const pages: SpotlightActionData[] = places(t).map(({ to, label, icon: Icon }) => ({
    id: to,
    label,
    leftSection: <Icon size={18} aria-hidden />,
    onClick: () => void navigate({ to }),
  }));
  const actions: SpotlightActionData[] = [
    ...(mayEdit
      ? [
          action('new-device', t.app.spotlight.newDevice, Smartphone, () => void navigate({ to: '/devices', search: { add: true } })),
          action('new-campaign', t.app.spotlight.newCampaign, Megaphone, () => void navigate({ href: '/campaigns/new' })),
          action('import', t.app.spotlight.importLeads, FileUp, () => void navigate({ href: '/leads/import' })),
        ]
      : []),
    action('theme', t.app.spotlight.switchTheme, Moon, () => choose(isDark ? 'light' : 'dark')),
  ];
  const found: SpotlightActionData[] = devices.map((device) =>
    action(`device-${device.id}`, device.name, Smartphone, () => void navigate({ to: '/devices/$deviceId', params: { deviceId: device.id } })),
  );
  const groups: SpotlightActionGroupData[] = [
    { group: t.app.spotlight.found, actions: found },
    { group: t.app.spotlight.pages, actions: pages },
    { group: t.app.spotlight.actions, actions },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      shortcut={['mod + K']}
      highlightQuery
      attributes={{ content: { 'aria-label': t.app.header.search } }}
      scrollable
      maxHeight={420}
      nothingFound={t.app.spotlight.nothing}
      searchProps={{
        leftSection: <Search size={18} aria-hidden />,
        placeholder: t.app.spotlight.placeholder,
        'aria-label': t.app.header.search,
      }}
    />
  );
}

function action(id: string, label: string, Icon: typeof Search, onClick: () => void): SpotlightActionData {
  return { id, label, leftSection: <Icon size={18} aria-hidden />, onClick };
}
