// Change one number, with a reason that is kept. Tightening is open to whoever edits; loosening to those the rule names.
import { Alert, Checkbox, Group, Modal, NumberInput, Radio, Stack, Switch, Text, Textarea, TextInput, Button } from '@mantine/core';
import { useForm } from '@mantine/form';
import { ProblemSummary } from '@/parts/ProblemNote';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import { useChangeRule } from './ruleHooks';
import { duration, valueWords, type Rule, type RuleKind, type RuleValue } from './rules';

interface Props {
  kind: RuleKind;
  rule: Rule;
  version: number;
  onClose: () => void;
}

export function EditRule({ kind, rule, version, onClose }: Props) {
  const all = useWords();
  const t = all.consent.rules;
  const change = useChangeRule();
  const form = useForm({ initialValues: { value: rule.value as RuleValue, reason: '', declaration: '' } });
  const problem = useFormProblem(form, { [`values.${rule.name}`]: 'value', [rule.name]: 'value' });
  const needsDeclaration = rule.name === 'consent_mode' && form.values.value === 'mark' && (kind === 'linked' || kind === 'cloud');
  async function save(value: RuleValue | null) {
    problem.clear();
    const { reason, declaration } = form.getValues();
    if (reason.trim() === '') {
      form.setFieldError('reason', t.reasonMissing);
      return;
    }
    try {
      await change.mutateAsync({ kind, name: rule.name, value, reason, declaration: needsDeclaration ? declaration : null, version });
      tell(t.saved);
      onClose();
    } catch (error) {
      problem.show(error);
    }
  }
  return (
    <Modal opened onClose={onClose} title={rule.label} closeButtonProps={{ 'aria-label': all.parts.close }}>
      <form onSubmit={form.onSubmit(({ value }) => void save(value))} noValidate>
        <Stack>
          <ProblemSummary problem={problem.problem} fields={problem.fields} rest={problem.rest} />
          <Text size="sm">{rule.words}</Text>
          {!rule.may_loosen && (
            <Alert color="gray" variant="light">
              {t.mayTighten(t.loosens[rule.who_may_loosen] ?? '')}
            </Alert>
          )}
          <ValueInput rule={rule} value={form.values.value} error={form.errors.value as string | undefined} onChange={(value) => form.setFieldValue('value', value)} />
          {needsDeclaration && (
            <Textarea label={t.declaration} description={t.declarationHint} required maxLength={2000} autosize minRows={2} {...form.getInputProps('declaration')} />
          )}
          <Textarea label={t.reason} description={t.reasonHint} required maxLength={500} autosize minRows={2} {...form.getInputProps('reason')} data-testid="rule-reason" />
        </Stack>
        <SubmitRow
          label={t.save}
          isBusy={change.isPending}
          onCancel={onClose}
          before={
            rule.origin === 'workspace' ? (
              <Button variant="subtle" type="button" onClick={() => void save(null)} data-testid="rule-reset">
                {t.reset(valueWords(rule, rule.default, all))}
              </Button>
            ) : undefined
          }
          data-testid="rule-save"
        />
      </form>
    </Modal>
  );
}

interface InputProps {
  rule: Rule;
  value: RuleValue;
  error?: string;
  onChange: (value: RuleValue) => void;
}

function ValueInput({ rule, value, error, onChange }: InputProps) {
  const all = useWords();
  const t = all.consent.rules;
  switch (rule.unit) {
    case 'on_off':
      return <Switch label={t.on} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} error={error} />;
    case 'choice':
      return (
        <Radio.Group label={t.value} value={String(value)} onChange={onChange} error={error}>
          <Stack gap="xs" mt="xs">
            {rule.choices.map((choice) => (
              <Radio key={choice} value={choice} label={t.choices[choice] ?? choice} />
            ))}
          </Stack>
        </Radio.Group>
      );
    case 'clock':
      return <TextInput label={t.value} description={t.clockHint} value={String(value)} onChange={(event) => onChange(event.currentTarget.value)} error={error} data-testid="rule-value" />;
    case 'weekdays':
      return (
        <Checkbox.Group label={t.noSendDays} value={(value as number[]).map(String)} onChange={(days) => onChange(days.map(Number).sort())} error={error}>
          <Group mt="xs" gap="sm">
            {t.weekdays.map((day, index) => (
              <Checkbox key={day} value={String(index + 1)} label={day} />
            ))}
          </Group>
        </Checkbox.Group>
      );
    default:
      return <NumberValue rule={rule} value={value} error={error} onChange={onChange} />;
  }
}

function NumberValue({ rule, value, error, onChange }: InputProps) {
  const all = useWords();
  const t = all.consent.rules;
  const isNone = typeof value === 'string';
  const least = typeof rule.least === 'number' ? rule.least : null;
  const most = typeof rule.most === 'number' ? rule.most : null;
  const bounds = t.bounds(least, most);
  return (
    <Stack gap="xs">
      <NumberInput
        label={t.value}
        description={rule.unit === 'seconds' && typeof value === 'number' ? `${t.units.seconds} (${duration(value, all)}). ${bounds}` : `${t.units[rule.unit] ?? ''} ${bounds}`.trim()}
        value={isNone ? '' : Number(value)}
        onChange={(next) => next !== '' && onChange(Number(next))}
        min={least ?? undefined}
        max={most ?? undefined}
        clampBehavior="none"
        disabled={isNone}
        error={error}
        data-testid="rule-value"
      />
      {rule.none_word !== null && (
        <Checkbox label={t.choices[rule.none_word] ?? rule.none_word} checked={isNone} onChange={(event) => onChange(event.currentTarget.checked ? (rule.none_word ?? 'off') : (least ?? 1))} />
      )}
    </Stack>
  );
}
