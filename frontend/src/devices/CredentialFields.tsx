// Number id, token and business account: made for pasting; "Test" asks WhatsApp before anything is kept.
import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { showOnForm, toProblem } from '@/api/problem';
import type { CheckedNumber } from '@/api/types';
import { phone } from '@/parts/format';
import type { FormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useTryCredentials, type Credentials } from './kindHooks';
import { tierWords } from './tier';

export interface CredentialValues {
  number_id: string;
  token: string;
  business_id: string;
}

export const noCredentials: CredentialValues = { number_id: '', token: '', business_id: '' };

/** As the API takes them; what is empty is left out. */
export function credentialsOf(values: CredentialValues): Credentials {
  const said = (text: string) => (text.trim() === '' ? null : text.trim());
  return { number_id: said(values.number_id), token: said(values.token), business_id: said(values.business_id) };
}

interface Props {
  driver: string;
  // The form has fields of its own beside these.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  form: UseFormReturnType<any>;
  problem: FormProblem;
}

export function CredentialFields({ driver, form, problem }: Props) {
  const t = useWords().kinds.cloud;
  const tried = useTryCredentials();
  const [found, setFound] = useState<CheckedNumber | null>(null);

  async function test() {
    setFound(null);
    problem.clear();
    const wrong = ['number_id', 'token'].filter((field) => form.validateField(field).hasError);
    if (wrong[0] !== undefined) return form.getInputNode(wrong[0])?.focus();
    try {
      setFound(await tried.mutateAsync({ driver, ...credentialsOf(form.getValues() as CredentialValues) }));
    } catch (error) {
      const known = toProblem(error);
      const field = known.fields[0]?.field;
      const node = field === undefined ? null : form.getInputNode(field);
      // A wrong field is shown where it stands, not at the top of a long form.
      if (node && showOnForm(form, known).length === 0) node.focus();
      else problem.show(error);
    }
  }

  /** What was tried is not what stands there any more. */
  function input(field: keyof CredentialValues) {
    const props = form.getInputProps(field);
    return {
      ...props,
      'aria-invalid': props.error ? (true as const) : undefined,
      onChange: (event: React.ChangeEvent<HTMLInputElement>) => {
        setFound(null);
        props.onChange(event);
      },
    };
  }

  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t.lead}
      </Text>
      <TextInput
        label={t.numberId}
        description={t.numberIdHint}
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        {...input('number_id')}
        data-testid="credentials-number-id"
      />
      <PasswordInput
        label={t.token}
        description={t.tokenHint}
        autoComplete="off"
        spellCheck={false}
        visibilityToggleButtonProps={{ 'aria-label': t.showToken, tabIndex: 0, 'aria-hidden': false }}
        {...input('token')}
        data-testid="credentials-token"
      />
      <TextInput
        label={t.businessId}
        description={t.businessIdHint}
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        {...input('business_id')}
        data-testid="credentials-business-id"
      />
      <Group>
        <Button variant="default" type="button" loading={tried.isPending} onClick={() => void test()} data-testid="credentials-test">
          {t.test}
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {tried.isPending ? t.testing : ''}
        </Text>
      </Group>
      <div aria-live="polite">{found && <Found found={found} />}</div>
    </Stack>
  );
}

function Found({ found }: { found: CheckedNumber }) {
  const t = useWords().kinds;
  return (
    <Alert color="tide" variant="light" icon={<CircleCheck aria-hidden />} title={t.cloud.works} data-testid="credentials-found">
      <Stack gap={2}>
        <Text size="sm" fw={600}>
          {[found.name, phone(found.phone)].filter(Boolean).join(' · ')}
        </Text>
        <Text size="sm">
          {t.cloud.quality}: {t.card.qualities[found.quality]}. {found.quality_words}
        </Text>
        <Text size="sm">
          {t.cloud.tier}: {tierWords(t, found)}
        </Text>
      </Stack>
    </Alert>
  );
}
