// What everybody reads before a real phone is linked: WhatsApp's terms, the supported way, the numbers that apply from now on.
import { Anchor, Blockquote, Checkbox, List, Stack, Text, type CheckboxProps } from '@mantine/core';
import { usePolicy } from '@/consent/ruleHooks';
import { useWords } from '@/words';
import { number } from '@/words/count';

interface Props {
  /** The driver's name: which numbers apply. */
  kind: string;
  /** The form's own props of the box to tick. */
  accept: CheckboxProps;
  /** Leads to the supported way, where this installation offers it. */
  onInstead?: () => void;
}

export function LinkTerms({ kind, accept, onInstead }: Props) {
  const words = useWords();
  const t = words.kinds.terms;
  const rules = usePolicy().data?.kinds.find((one) => one.kind === kind)?.rules ?? [];
  const shown = Object.keys(t.rules).flatMap((name) => rules.filter((rule) => rule.name === name));
  const said = (value: unknown) => (typeof value === 'number' ? number(value) : value === 'by_age' ? t.byAge : value === 'off' ? t.off : String(value));
  return (
    <Stack gap="sm" role="group" aria-label={t.title} data-testid="link-terms">
      <Blockquote color="clay" p="md" radius="md" fz="sm">
        {words.accounts.setup.terms.quote}
        {onInstead && (
          <div>
            <Anchor component="button" type="button" fz="sm" onClick={onInstead} data-testid="link-terms-instead">
              {t.instead}
            </Anchor>
          </div>
        )}
      </Blockquote>
      {shown.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t.numbers}
          </Text>
          <List size="sm" my={4}>
            {shown.map((rule) => (
              <List.Item key={rule.name}>
                {t.rules[rule.name]}: {said(rule.value)}
              </List.Item>
            ))}
          </List>
          <Text size="sm" c="dimmed">
            {t.numbersWhy}
          </Text>
        </div>
      )}
      <Checkbox label={t.accept} {...accept} data-testid="link-terms-accept" />
    </Stack>
  );
}
