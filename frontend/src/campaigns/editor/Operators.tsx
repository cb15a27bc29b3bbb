// The editor is for those who may edit and send; others are told whom to ask.
import { Alert } from '@mantine/core';
import { Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { useMay } from '@/accounts/hooks';
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';

export function Operators({ children }: { children: ReactNode }) {
  const t = useWords();
  if (useMay('operator')) return children;
  return (
    <>
      <PageHead title={t.campaigns.title} crumbs={[{ label: t.campaigns.title, to: '/campaigns' }]} />
      <Alert color="yellow" variant="light" icon={<Lock aria-hidden />} data-testid="campaigns-editor-forbidden">
        {t.problems.byCode.forbidden}
      </Alert>
    </>
  );
}
