// The list of leads of the whole workspace.
import { PageHead } from '@/parts/PageHead';
import { useWords } from '@/words';
import { LeadActions } from './LeadActions';
import { LeadList } from './LeadList';

export default function LeadsPage() {
  const t = useWords().leads;
  return (
    <>
      <PageHead title={t.title} lead={t.lead} actions={<LeadActions />} />
      <LeadList />
    </>
  );
}
