// One's own profile: name and zone, colours, password, sign-ins.
import { Badge, Button, Group, PasswordInput, SegmentedControl, Skeleton, Stack, Text, TextInput, type MantineColorScheme } from '@mantine/core';
import { useForm } from '@mantine/form';
import { checkName, checkNewPassword, checkSame } from '@/accounts/checks';
import { useChangePassword, useEndSignIn, useMe, useSaveProfile, useSignIns } from '@/accounts/hooks';
import { ZoneSelect } from '@/accounts/ZoneSelect';
import { useColours } from '@/app/colours';
import { Moment } from '@/parts/Moment';
import { FailedLoad, ProblemSummary } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useAction } from '@/parts/useAction';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { browserWords } from './agent';

export function Profile() {
  return (
    <Stack gap="lg">
      <You />
      <Colours />
      <Password />
      <SignIns />
    </Stack>
  );
}

function You() {
  const t = useWords();
  const words = t.settings.profile;
  const { user } = useMe();
  const save = useSaveProfile();
  const form = useForm({
    initialValues: { full_name: user.full_name, time_zone: user.time_zone },
    validate: { full_name: (value) => checkName(t, value) },
  });
  const problem = useFormProblem(form);
  async function submit(values: typeof form.values) {
    problem.clear();
    try {
      await save.mutateAsync(values);
      tell(words.saved);
    } catch (error) {
      problem.show(error);
    }
  }
  return (
    <Section title={words.you}>
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <TextInput label={t.accounts.fields.fullName} autoComplete="name" {...form.getInputProps('full_name')} data-testid="profile-name" />
          <TextInput label={t.accounts.fields.email} description={words.emailHint} value={user.email} readOnly variant="filled" />
          <ZoneSelect {...form.getInputProps('time_zone')} data-testid="profile-zone" />
        </Stack>
        <SubmitRow label={words.save} isBusy={save.isPending} data-testid="profile-save" />
      </form>
    </Section>
  );
}

function Colours() {
  const t = useWords();
  const [colorScheme, choose] = useColours();
  const choices = Object.entries(t.app.header.themes).map(([value, label]) => ({ value, label }));
  return (
    <Section title={t.settings.profile.colours} hint={t.settings.profile.coloursHint}>
      <SegmentedControl
        aria-label={t.settings.profile.colours}
        value={colorScheme}
        onChange={(value) => choose(value as MantineColorScheme)}
        data={choices}
        data-testid="profile-colours"
      />
    </Section>
  );
}

function Password() {
  const t = useWords();
  const words = t.settings.profile;
  const { user } = useMe();
  const change = useChangePassword();
  const form = useForm({
    initialValues: { current_password: '', new_password: '', again: '' },
    validate: {
      current_password: (value) => (value === '' ? t.accounts.checks.passwordMissing : null),
      new_password: (value) => checkNewPassword(t, value),
      again: (value, values) => checkSame(t, value, values.new_password),
    },
  });
  const problem = useFormProblem(form);
  async function submit({ again: _again, ...body }: typeof form.values) {
    problem.clear();
    try {
      await change.mutateAsync(body);
      tell(words.passwordChanged);
      form.reset();
    } catch (error) {
      problem.show(error);
    }
  }
  return (
    <Section title={words.password} hint={words.passwordHint}>
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <input type="text" name="username" autoComplete="username" value={user.email} readOnly hidden />
          <PasswordInput label={t.accounts.fields.currentPassword} autoComplete="current-password" {...form.getInputProps('current_password')} data-testid="password-current" />
          <PasswordInput
            label={t.accounts.fields.newPassword}
            description={t.accounts.fields.passwordHint}
            autoComplete="new-password"
            {...form.getInputProps('new_password')}
            data-testid="password-new"
          />
          <PasswordInput label={t.accounts.fields.passwordAgain} autoComplete="new-password" {...form.getInputProps('again')} data-testid="password-again" />
        </Stack>
        <SubmitRow label={words.changePassword} isBusy={change.isPending} data-testid="password-save" />
      </form>
    </Section>
  );
}

function SignIns() {
  const t = useWords().settings.profile;
  const signIns = useSignIns();
  const end = useEndSignIn();
  const [run, isBusy] = useAction();
  return (
    <Section title={t.signIns} hint={t.signInsHint}>
      {signIns.isError && <FailedLoad problem={signIns.error} onRetry={() => void signIns.refetch()} />}
      {signIns.isPending && <Skeleton height={80} />}
      <Stack gap="md">
        {signIns.data?.map((each) => (
          <Group key={each.id} justify="space-between" wrap="nowrap">
            <div style={{ minWidth: 0 }}>
              <Group gap="xs">
                <Text size="sm" fw={600} title={each.device} style={{ overflowWrap: 'anywhere' }}>
                  {browserWords(each.device)}
                </Text>
                {each.current && (
                  <Badge tt="none" color="teal" className="hantar-state-teal">
                    {t.current}
                  </Badge>
                )}
              </Group>
              <Text size="sm" c="dimmed" component="div">
                {each.address ?? t.unknownAddress} · {t.lastUsed} <Moment at={each.last_used_at} as="relative" c="dimmed" />
              </Text>
            </div>
            {!each.current && (
              <Button
                size="xs"
                variant="default"
                disabled={isBusy}
                aria-label={t.endNamed(browserWords(each.device))}
                onClick={() => void run(() => end.mutateAsync(each.id), t.ended)}
              >
                {t.end}
              </Button>
            )}
          </Group>
        ))}
      </Stack>
    </Section>
  );
}
