// The five steps of an import, and the head of one. On phones the steps are numbers; the head below names the present one.
import { Stepper, Text, Title } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useIsPhone } from '@/parts/usePhone';
import { useWords } from '@/words';

export function Steps({ active, onStep }: { active: number; onStep?: (step: number) => void }) {
  const t = useWords().leads.imports;
  const isPhone = useIsPhone();
  return (
    <Stepper
      active={active}
      onStepClick={onStep}
      allowNextStepsSelect={false}
      size={isPhone ? 'xs' : 'sm'}
      iconSize={isPhone ? 28 : undefined}
      mb="lg"
      wrap={false}
      role="group"
      aria-label={t.stepsLabel}
      data-testid="import-steps"
    >
      {t.steps.map((name, index) => (
        <Stepper.Step
          key={name}
          label={isPhone ? undefined : name}
          aria-label={name}
          aria-current={index === active ? 'step' : undefined}
          allowStepSelect={onStep !== undefined && index < active}
        />
      ))}
    </Stepper>
  );
}

/** The name of the step shown; takes focus when the step changes. */
export function StepHead({ title, hint, focus = true }: { title: string; hint?: string; focus?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus) heading.current?.focus();
  }, [focus, title]);
  return (
    <div>
      <Title order={2} ref={heading} tabIndex={-1} style={{ outline: 'none' }}>
        {title}
      </Title>
      {hint !== undefined && (
        <Text size="sm" c="dimmed">
          {hint}
        </Text>
      )}
    </div>
  );
}
