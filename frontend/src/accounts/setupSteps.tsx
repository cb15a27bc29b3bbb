// The five steps of the set-up, each one a part.
import { Blockquote, Button, Card, Checkbox, Group, List, PasswordInput, Radio, SimpleGrid, Skeleton, Stack, Text, TextInput, ThemeIcon, Title } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { Compass, Smartphone, Sparkles, TriangleAlert, Check, type LucideIcon } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { FailedLoad } from '@/parts/ProblemNote';
import { useWords } from '@/words';
import { CountrySelect } from './CountrySelect';
import { useSetup, type SetupAnswers } from './hooks';
import { ZoneSelect } from './ZoneSelect';

export interface SetupForm extends SetupAnswers {
  again: string;
}

type Form = UseFormReturnType<SetupForm>;

/** Takes the focus when the step comes up; on the first one the page's own heading has it. */
function StepHead({ title, lead, isFirst = false }: { title: string; lead: string; isFirst?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirst) heading.current?.focus();
  }, [isFirst]);
  return (
    <div>
      <Title order={2} ref={heading} tabIndex={-1} style={{ outline: 'none' }}>
        {title}
      </Title>
      <Text c="dimmed">{lead}</Text>
    </div>
  );
}

export function CheckStep() {
  const t = useWords().accounts.setup;
  const setup = useSetup();
  if (setup.isError) return <FailedLoad problem={setup.error} onRetry={() => void setup.refetch()} />;
  const checks = setup.data?.checks;
  return (
    <Stack>
      <StepHead title={t.steps.check} lead={t.check.lead} isFirst />
      {checks === undefined ? (
        <Skeleton height={120} />
      ) : (
        <List spacing="sm" listStyleType="none" data-testid="setup-checks">
          {checks.map((check) => (
            <List.Item
              key={check.name}
              icon={
                <ThemeIcon size={26} radius="xl" color={check.ok ? 'teal' : 'orange'} variant="light">
                  {check.ok ? <Check size={16} aria-hidden /> : <TriangleAlert size={16} aria-hidden />}
                </ThemeIcon>
              }
            >
              <Text span fw={600}>
                {t.check.names[check.name] ?? check.name}
              </Text>
              <Text span c="dimmed">
                {' – '}
                {check.hint || (check.ok ? t.check.ok : t.check.notOk)}
              </Text>
            </List.Item>
          ))}
        </List>
      )}
      {checks?.every((check) => check.ok) && <Text size="sm">{t.check.allWell}</Text>}
    </Stack>
  );
}

export function YouStep({ form }: { form: Form }) {
  const t = useWords().accounts;
  return (
    <Stack>
      <StepHead title={t.setup.steps.you} lead={t.setup.you.lead} />
      <TextInput label={t.fields.fullName} autoComplete="name" {...form.getInputProps('full_name')} data-testid="setup-name" />
      <TextInput label={t.fields.email} type="email" autoComplete="email" {...form.getInputProps('email')} data-testid="setup-email" />
      <PasswordInput
        label={t.fields.currentPassword}
        description={t.setup.you.currentHint}
        autoComplete="current-password"
        {...form.getInputProps('current_password')}
        data-testid="setup-current-password"
      />
      <PasswordInput
        label={t.fields.newPassword}
        description={`${t.setup.you.keepHint} ${t.fields.passwordHint}`}
        autoComplete="new-password"
        {...form.getInputProps('new_password')}
        data-testid="setup-password"
      />
      <PasswordInput label={t.fields.passwordAgain} autoComplete="new-password" {...form.getInputProps('again')} data-testid="setup-again" />
    </Stack>
  );
}

export function PlaceStep({ form }: { form: Form }) {
  const t = useWords().accounts.setup;
  return (
    <Stack>
      <StepHead title={t.steps.place} lead={t.place.lead} />
      <ZoneSelect {...form.getInputProps('time_zone')} data-testid="setup-zone" />
      <CountrySelect {...form.getInputProps('default_country')} data-testid="setup-country" />
      <Radio.Group label={t.place.registration} {...form.getInputProps('registration')}>
        <Stack gap="sm" mt="xs">
          {Object.entries(t.place.registrations).map(([value, [label, hint]]) => (
            <Radio key={value} value={value} label={label} description={hint} />
          ))}
        </Stack>
      </Radio.Group>
    </Stack>
  );
}

export function TermsStep({ form }: { form: Form }) {
  const t = useWords().accounts.setup;
  return (
    <Stack>
      <StepHead title={t.steps.terms} lead={t.terms.lead} />
      <Blockquote color="clay" p="md" radius="md" fz="md" data-testid="setup-terms">
        {t.terms.quote}
      </Blockquote>
      <Stack gap="xs">
        {t.terms.points.map(([head, rest]) => (
          <Text key={head}>
            <Text span fw={650}>
              {head}
            </Text>{' '}
            {rest}
          </Text>
        ))}
        <Text c="dimmed">{t.terms.simulator}</Text>
      </Stack>
      <Checkbox
        label={t.terms.accept}
        {...form.getInputProps('accept_terms', { type: 'checkbox' })}
        data-testid="setup-accept"
      />
    </Stack>
  );
}

interface ChooseProps {
  isBusy: boolean;
  onDemo: () => void;
  onDevice: () => void;
  onLook: () => void;
}

export function ChooseStep({ isBusy, onDemo, onDevice, onLook }: ChooseProps) {
  const t = useWords().accounts.setup;
  return (
    <Stack>
      <StepHead title={t.steps.choose} lead={t.choose.lead} />
      <SimpleGrid cols={{ base: 1, md: 3 }}>
        <Choice icon={Sparkles} words={t.choose.demo} onChoose={onDemo} isBusy={isBusy} isFirst testId="setup-demo" />
        <Choice icon={Smartphone} words={t.choose.device} onChoose={onDevice} testId="setup-device" />
        <Choice icon={Compass} words={t.choose.look} onChoose={onLook} testId="setup-look" />
      </SimpleGrid>
    </Stack>
  );
}

interface ChoiceProps {
  icon: LucideIcon;
  words: [string, string, string];
  onChoose: () => void;
  isBusy?: boolean;
  isFirst?: boolean;
  testId: string;
}

function Choice({ icon: Icon, words: [title, text, button], onChoose, isBusy = false, isFirst = false, testId }: ChoiceProps) {
  return (
    <Card h="100%">
      <Stack h="100%" justify="space-between">
        <div>
          <Group gap="sm" mb="xs">
            <ThemeIcon size={40} radius="md" variant="light">
              <Icon size={22} aria-hidden />
            </ThemeIcon>
            <Title order={3}>{title}</Title>
          </Group>
          <Text c="dimmed" size="sm">
            {text}
          </Text>
        </div>
        <Button type="button" variant={isFirst ? 'filled' : 'default'} onClick={onChoose} loading={isBusy} data-testid={testId}>
          {button}
        </Button>
      </Stack>
    </Card>
  );
}
