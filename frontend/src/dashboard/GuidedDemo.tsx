// The guided demo's list of things to try, ticked off by the person and remembered in this browser.
import { Anchor, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import { useDevices } from '@/devices/hooks';
import { address } from '@/parts/address';
import { Section } from '@/parts/Section';
import { useDemo } from '@/settings/demo';
import { useWords } from '@/words';

type Step = 'watch' | 'scan' | 'import' | 'plan' | 'drop' | 'report' | 'rules' | 'why';

export function GuidedDemo() {
  const t = useWords().dashboard.guide;
  const devices = useDevices();
  const [done, setDone] = useLocalStorage<Step[]>({ key: 'hantar-demo-done', defaultValue: [] });
  const demoDevice = devices.data?.find((device) => device.is_demo);
  const demo = useDemo().data;
  const campaign = demo?.campaign_id;
  const rules = demo?.rules_campaign_id;
  const campaignPage = campaign ? `/campaigns/${campaign}` : '/campaigns';
  const steps: [Step, string][] = [
    ['watch', campaignPage],
    ['scan', '/devices?add=true'],
    ['import', '/leads/import'],
    ['plan', '/campaigns/new'],
    ['drop', demoDevice ? `/devices/${demoDevice.id}?tab=simulator` : '/devices'],
    ['report', campaignPage],
    ['rules', rules ? `/campaigns/${rules}` : '/campaigns'],
    ['why', rules ? `/campaigns/${rules}?tab=recipients` : '/campaigns'],
  ];
  const toggle = (step: Step) => setDone(done.includes(step) ? done.filter((one) => one !== step) : [...done, step]);
  return (
    <Section title={t.title} hint={t.lead} data-testid="dashboard-guide">
      <Stack gap="sm">
        {steps.map(([step, to]) => {
          const [title, hint] = t.steps[step];
          return (
            <Group key={step} wrap="nowrap" align="flex-start" gap="sm">
              <Checkbox mt={2} checked={done.includes(step)} onChange={() => toggle(step)} aria-label={title} />
              <div>
                <Anchor component={Link} {...address(to)} size="sm" fw={600} data-testid={`guide-${step}`}>
                  {title}
                </Anchor>
                <Text size="sm" c="dimmed">
                  {hint}
                </Text>
              </div>
            </Group>
          );
        })}
      </Stack>
    </Section>
  );
}
