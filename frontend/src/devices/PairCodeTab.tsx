// The other way to link: a number gives eight characters to type on the phone.
import { Button, Code, Group, List, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import type { Device } from '@/api/types';
import { CopyButton } from '@/parts/CopyButton';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useSecondsUntil } from '@/parts/useCountdown';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { usePairCode } from './hooks';
import { SimulatedLink } from './SimulatedLink';

export function PairCodeTab({ device }: { device: Device }) {
  const t = useWords().devices;
  const pair = usePairCode(device.id);
  const form = useForm({
    initialValues: { phone: device.phone ?? '' },
    validate: { phone: (value) => (value.trim() === '' ? t.qr.phoneMissing : null) },
  });
  const problem = useFormProblem(form);
  const code = pair.data;
  const left = useSecondsUntil(code ? Date.parse(code.expires_at) : 0);

  async function get(values: typeof form.values) {
    problem.clear();
    try {
      await pair.mutateAsync(values.phone.trim());
    } catch (error) {
      problem.show(error);
    }
  }

  return (
    <Stack>
      <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
      <form onSubmit={form.onSubmit((values) => void get(values))} noValidate>
        <Group align="flex-end">
          <TextInput
            label={t.qr.phone}
            inputMode="tel"
            autoComplete="off"
            style={{ flex: '1 1 220px' }}
            {...form.getInputProps('phone')}
            data-testid="pair-phone"
          />
          <Button type="submit" loading={pair.isPending} data-testid="pair-get-code">
            {t.qr.getCode}
          </Button>
        </Group>
      </form>
      {code && (
        <Stack gap={4} align="center" py="md" role="status">
          <Text size="sm" c="dimmed">
            {t.qr.code}
          </Text>
          <Group gap="xs">
            <Code fz={32} fw={650} px="lg" py="sm" style={{ letterSpacing: '0.12em', opacity: left === 0 ? 0.4 : 1 }} data-testid="pair-code">
              {grouped(code.pair_code)}
            </Code>
            <CopyButton value={code.pair_code} />
          </Group>
          <Text size="sm" c="dimmed" aria-live="off">
            {left > 0 ? t.qr.codeLeft(left) : t.qr.codeGone}
          </Text>
        </Stack>
      )}
      {code && left > 0 && <SimulatedLink device={device} code={code.pair_code} />}
      <List type="ordered" spacing="xs">
        {t.qr.pairSteps.map((step) => (
          <List.Item key={step}>{step}</List.Item>
        ))}
      </List>
    </Stack>
  );
}

/** ABCD1234 as ABCD-1234. */
export function grouped(code: string): string {
  const plain = code.replace(/[^A-Za-z0-9]/g, '');
  return plain.length === 8 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : code;
}
