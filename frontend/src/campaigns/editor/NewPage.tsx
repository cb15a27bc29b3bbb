// A new campaign.
import { useZone } from '@/app/zone';
import { getRouteApi } from '@tanstack/react-router';
import { Editor } from './Editor';
import { emptyDraft } from './draft';
import { Operators } from './Operators';

const route = getRouteApi('/shell/campaigns/new');

export default function NewPage() {
  const zone = useZone();
  const { step = 'basics' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Operators>
      <Editor campaign={null} initial={emptyDraft(zone)} step={step} onStep={(next) => void navigate({ search: { step: next } })} />
    </Operators>
  );
}
