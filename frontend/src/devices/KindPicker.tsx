// Choosing the kind of a new device: what each one is for, and which of them WhatsApp supports.
import { Badge, Group, Radio, Stack, Text } from '@mantine/core';
import type { Driver } from '@/api/types';
import { useWords } from '@/words';

interface Props {
  drivers: Driver[];
  value: string;
  onChange: (driver: string) => void;
}

export function KindPicker({ drivers, value, onChange }: Props) {
  const t = useWords().kinds;
  return (
    <Radio.Group label={t.choose} value={value} onChange={onChange} data-testid="device-kind">
      <Stack gap="xs" mt={6}>
        {drivers.map((driver) => {
          const [name, hint] = t.names[driver.name] ?? [driver.name, ''];
          return (
            <Radio.Card key={driver.name} value={driver.name} p="sm" radius="md" className="hantar-choice" aria-label={name} aria-describedby={`kind-${driver.name}`} data-testid={`device-kind-${driver.name}`}>
              <Group wrap="nowrap" align="flex-start" gap="sm">
                <Radio.Indicator mt={2} />
                <div>
                  <Group gap={6}>
                    <Text size="sm" fw={600}>
                      {name}
                    </Text>
                    <KindBadge driver={driver} />
                  </Group>
                  <Text size="sm" c="dimmed" id={`kind-${driver.name}`}>
                    {hint}
                  </Text>
                </div>
              </Group>
            </Radio.Card>
          );
        })}
      </Stack>
    </Radio.Group>
  );
}

function KindBadge({ driver }: { driver: Driver }) {
  const t = useWords().kinds;
  if (driver.simulated) return null;
  if (driver.unofficial) {
    return (
      <Badge size="sm" color="orange" tt="none" className="hantar-state-orange">
        {t.unofficial}
      </Badge>
    );
  }
  return (
    <Badge size="sm" color="teal" tt="none" className="hantar-state-teal">
      {t.official}
    </Badge>
  );
}
