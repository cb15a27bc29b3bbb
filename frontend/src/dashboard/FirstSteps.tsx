// For an empty account: four steps, ticked off by what is really there.
import { Anchor, Button, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { Check } from 'lucide-react';
import { useMay } from '@/accounts/hooks';
import type { Dashboard } from '@/api/types';
import { address } from '@/parts/address';
import { Section } from '@/parts/Section';
import { useAction } from '@/parts/useAction';
import { useStartDemo } from '@/settings/demo';
import { useWords } from '@/words';

export function FirstSteps({ data }: { data: Dashboard }) {
  const t = useWords().dashboard.start;
  const isOwner = useMay('owner');
  const demo = useStartDemo();
  const [run, isBusy] = useAction();
  const navigate = useNavigate();
  async function begin() {
    await run(async () => {
      const { campaign_id: campaign } = await demo.mutateAsync();
      await navigate({ href: campaign ? `/campaigns/${campaign}` : '/' });
    });
  }

  const steps = [
    { words: t.steps.device, to: '/devices?add=true', isDone: data.devices.total > 0 },
    { words: t.steps.leads, to: '/leads/import', isDone: data.leads.total > 0 },
    { words: t.steps.campaign, to: '/campaigns/new', isDone: data.campaigns.total > 0 },
    { words: t.steps.sent, to: '/campaigns', isDone: data.campaigns.done_send > 0 },
  ];
  const next = steps.findIndex((step) => !step.isDone);
  return (
    <Section
      title={t.title}
      hint={t.lead}
      actions={
        isOwner && (
          <Button variant="light" size="xs" loading={isBusy} onClick={() => void begin()} data-testid="dashboard-demo">
            {t.demo}
          </Button>
        )
      }
      data-testid="dashboard-first-steps"
    >
      <Stack gap="md" component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
        {steps.map(({ words: [title, hint], to, isDone }, index) => (
          <Group key={to} component="li" wrap="nowrap" gap="md">
            <ThemeIcon size={34} radius="xl" variant={index === next ? 'filled' : 'light'} color={isDone ? 'teal' : index === next ? 'tide' : 'gray'}>
              {isDone ? <Check size={18} aria-label={t.done} /> : <Text span fw={650}>{index + 1}</Text>}
            </ThemeIcon>
            <div>
              <Anchor component={Link} {...address(to)} fw={600}>
                {title}
              </Anchor>
              <Text size="sm" c="dimmed">
                {hint}
              </Text>
            </div>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}
