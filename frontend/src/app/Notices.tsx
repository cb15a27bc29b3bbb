// One notice across the top, the worst one: live updates lost, then demo data present.
import { Alert, Anchor, Box, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { FlaskConical, Radio } from 'lucide-react';
import { useLiveState } from '@/api/useLive';
import { useIsPhone } from '@/parts/usePhone';
import { useHasDemo } from '@/settings/demo';
import { useWords } from '@/words';

export function Notices() {
  const t = useWords().app.notices;
  const line = useLiveState();
  const hasDemo = useHasDemo();
  const isPhone = useIsPhone();
  if (line === 'lost') {
    return (
      <Box className="hantar-page" mb="md">
        <Alert color="yellow" icon={<Radio aria-hidden />} role="status" py="xs" data-testid="notice-live-lost">
          {t.liveLost}
        </Alert>
      </Box>
    );
  }
  if (!hasDemo) return null;
  return (
    <Box className="hantar-page" mb="md">
      <Group gap={8} fz="sm" wrap="nowrap" className="hantar-demo-note" role="note" data-testid="notice-demo">
        <FlaskConical size={16} aria-hidden />
        <Text size="sm" span>
          {isPhone ? t.demoShort : t.demo}
        </Text>
        <Anchor component={Link} to="/settings/demo" size="sm">
          {isPhone ? t.removeShort : t.removeDemo}
        </Anchor>
      </Group>
    </Box>
  );
}
