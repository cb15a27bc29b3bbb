// Sign in: one neutral error, a countdown when there were too many tries.
import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Info } from 'lucide-react';
import { useFormProblem } from '@/parts/useFormProblem';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useCountdown } from '@/parts/useCountdown';
import { useWords } from '@/words';
import { AuthFrame } from './AuthFrame';
import { setupQuery, useSetup, useSignIn } from './hooks';

const route = getRouteApi('/login');

export default function LoginPage() {
  const t = useWords().accounts;
  const { next } = route.useSearch();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const setup = useSetup();
  const signIn = useSignIn();
  const form = useForm({
    initialValues: { email: '', password: '' },
    validate: {
      email: (value) => (value.trim() === '' ? t.checks.emailMissing : null),
      password: (value) => (value === '' ? t.checks.passwordMissing : null),
    },
  });
  const problem = useFormProblem(form);
  const [wait, startWait] = useCountdown();

  async function submit(values: typeof form.values) {
    problem.clear();
    const isFirst = setup.data?.first_start ?? false;
    try {
      const { user } = await signIn.mutateAsync(values);
      await cache.prefetchQuery(setupQuery);
      if (isFirst && user.is_admin && next === undefined) await navigate({ to: '/setup' });
      else await navigate({ href: next ?? '/' });
    } catch (error) {
      problem.show(error);
      form.setFieldValue('password', '');
      const seconds = (error as { retryAfter?: number | null }).retryAfter;
      if (seconds) startWait(seconds);
    }
  }

  return (
    <AuthFrame title={t.signIn.title}>
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack>
          {setup.data?.first_start && (
            <Alert color="tide" variant="light" icon={<Info aria-hidden />} data-testid="login-first-start">
              {t.signIn.firstStart}
            </Alert>
          )}
          {wait > 0 ? (
            <Alert color="yellow" title={t.signIn.waitTitle} role="status">
              {t.signIn.wait(wait)}
            </Alert>
          ) : (
            <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          )}
          <TextInput
            label={t.signIn.emailLabel}
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            size="md"
            {...form.getInputProps('email')}
            data-testid="login-email"
          />
          <PasswordInput
            label={t.fields.password}
            autoComplete="current-password"
            size="md"
            {...form.getInputProps('password')}
            data-testid="login-password"
          />
          <Button type="submit" size="md" loading={signIn.isPending} disabled={wait > 0} data-testid="login-submit">
            {t.signIn.submit}
          </Button>
          {setup.data?.registration_open && (
            <Text size="sm" c="dimmed">
              {t.signIn.noAccount}{' '}
              <Anchor component={Link} to="/register" underline="always" data-testid="login-register">
                {t.signIn.register}
              </Anchor>
            </Text>
          )}
        </Stack>
      </form>
    </AuthFrame>
  );
}
