// What an import says about consent: how many rows it wrote, who had opted out; and declaring consent for it later.
import { Button, Modal, SimpleGrid, Stack, Text } from '@mantine/core';
import { HandHeart } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { DeclareConsent, isWhole, noDeclaration, type Declaration } from '@/consent/DeclareConsent';
import { Figure } from '@/parts/Figure';
import { ProblemSummary } from '@/parts/ProblemNote';
import { Section } from '@/parts/Section';
import { SubmitRow } from '@/parts/SubmitRow';
import { tell } from '@/parts/toast';
import { toProblem, type Problem } from '@/api/problem';
import { useWords } from '@/words';
import { useDeclareForImport } from './hooks';
import type { ImportDetail } from './types';

export function ImportConsent({ of }: { of: ImportDetail }) {
  const t = useWords().leads.imports.consent;
  const mayEdit = useMay('operator');
  const [isOpen, setOpen] = useState(false);
  if (of.is_dry_run || of.success + of.skipped === 0) return null;
  return (
    <Section
      title={t.title}
      hint={of.consent === null ? t.none : t.given}
      actions={
        mayEdit && of.consent === null && (
          <Button variant="default" leftSection={<HandHeart size={16} aria-hidden />} onClick={() => setOpen(true)} data-testid="import-declare">
            {t.declare}
          </Button>
        )
      }
      data-testid="import-consent-card"
    >
      {of.consent !== null && (
        <Text size="sm" mb="sm" style={{ overflowWrap: 'anywhere' }}>
          “{of.consent.wording}”
        </Text>
      )}
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure label={t.consented} value={of.consented} data-testid="import-consented" />
        <Figure label={t.optedOutLines} value={of.opted_out_lines} hint={t.optedOutLinesHint} data-testid="import-opted-out-lines" />
        <Figure label={t.optedOut} value={of.opted_out} hint={t.optedOutHint} data-testid="import-opted-out" />
      </SimpleGrid>
      {isOpen && <Declare of={of} onClose={() => setOpen(false)} />}
    </Section>
  );
}

function Declare({ of, onClose }: { of: ImportDetail; onClose: () => void }) {
  const t = useWords();
  const words = t.leads.imports.consent;
  const declare = useDeclareForImport();
  const [value, setValue] = useState<Declaration>(noDeclaration);
  const [isTried, setTried] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);

  async function submit() {
    setTried(true);
    if (!isWhole(value)) return;
    setProblem(null);
    try {
      const done = await declare.mutateAsync({ id: of.id, declaration: value });
      tell('written' in done ? words.done(done.written, done.already, done.opted_out) : words.goesOn);
      onClose();
    } catch (error) {
      setProblem(toProblem(error));
    }
  }

  return (
    <Modal opened onClose={onClose} title={words.declareTitle(of.file_name)} size="lg" closeButtonProps={{ 'aria-label': t.parts.close }}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack>
          <ProblemSummary problem={problem} rest={problem?.fields} />
          <DeclareConsent value={value} onChange={(next) => next !== null && setValue(next)} isTried={isTried} isAsked />
        </Stack>
        <SubmitRow label={words.act} isBusy={declare.isPending} onCancel={onClose} data-testid="import-declare-submit" />
      </form>
    </Modal>
  );
}
