// Register: a new account with an empty workspace of its own.
import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, useNavigate } from '@tanstack/react-router';
import { ProblemSummary } from '@/parts/ProblemNote';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { AuthFrame } from './AuthFrame';
import { checkEmail, checkName, checkNewPassword, checkSame } from './checks';
import { useRegister, useSetup } from './hooks';

export default function RegisterPage() {
  const t = useWords();
  const words = t.accounts;
  const navigate = useNavigate();
  const setup = useSetup();
  const register = useRegister();
  const form = useForm({
    validateInputOnBlur: true,
    initialValues: { full_name: '', email: '', password: '', again: '' },
    validate: {
      full_name: (value) => checkName(t, value),
      email: (value) => checkEmail(t, value),
      password: (value) => checkNewPassword(t, value),
      again: (value, values) => checkSame(t, value, values.password),
    },
  });
  const problem = useFormProblem(form);

  async function submit({ again: _again, ...body }: typeof form.values) {
    problem.clear();
    try {
      await register.mutateAsync(body);
      await navigate({ to: '/' });
    } catch (error) {
      problem.show(error);
    }
  }

  if (setup.data && !setup.data.registration_open) {
    return (
      <AuthFrame title={words.register.title}>
        <Alert color="yellow">{words.register.closed}</Alert>
        <Anchor component={Link} to="/login">
          {words.register.signIn}
        </Anchor>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={words.register.title} lead={words.register.lead}>
      <form onSubmit={form.onSubmit((values) => void submit(values))} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <TextInput label={words.fields.fullName} autoComplete="name" size="md" {...form.getInputProps('full_name')} data-testid="register-name" />
          <TextInput label={words.fields.email} type="email" autoComplete="email" size="md" {...form.getInputProps('email')} data-testid="register-email" />
          <PasswordInput
            label={words.fields.password}
            description={words.fields.passwordHint}
            autoComplete="new-password"
            size="md"
            {...form.getInputProps('password')}
            data-testid="register-password"
          />
          <PasswordInput label={words.fields.passwordAgain} autoComplete="new-password" size="md" {...form.getInputProps('again')} data-testid="register-again" />
          <Button type="submit" size="md" loading={register.isPending} data-testid="register-submit">
            {words.register.submit}
          </Button>
          <Text size="sm" c="dimmed">
            {words.register.haveAccount}{' '}
            <Anchor component={Link} to="/login" underline="always">
              {words.register.signIn}
            </Anchor>
          </Text>
        </Stack>
      </form>
    </AuthFrame>
  );
}
