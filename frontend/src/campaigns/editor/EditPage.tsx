// An existing campaign in the editor; one that has started is only shown the way to a copy.
import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { useState } from 'react';
import { PageHead } from '@/parts/PageHead';
import { FailedLoad } from '@/parts/ProblemNote';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { useCampaign, useClone } from '../hooks';
import type { Campaign } from '../types';
import { draftOf } from './draft';
import { Editor } from './Editor';
import { Operators } from './Operators';

const route = getRouteApi('/shell/campaigns/$campaignId/edit');

export default function EditPage() {
  const t = useWords().campaigns;
  const { campaignId } = route.useParams();
  const campaign = useCampaign(campaignId);
  if (campaign.data !== undefined) {
    return (
      <Operators>
        <Loaded key={campaignId} campaign={campaign.data} />
      </Operators>
    );
  }
  return (
    <>
      <PageHead title={t.editor.editTitle('')} crumbs={[{ label: t.title, to: '/campaigns' }]} />
      {campaign.isError ? <FailedLoad problem={campaign.error} onRetry={() => void campaign.refetch()} /> : <Skeleton height={420} />}
    </>
  );
}

function Loaded({ campaign }: { campaign: Campaign }) {
  const { step = 'basics' } = route.useSearch();
  const navigate = route.useNavigate();
  // What the editor began with; news from the server never change an open editor.
  const [begun] = useState(campaign);
  if (!begun.is_editable) return <Locked campaign={campaign} />;
  return <Editor campaign={begun} initial={draftOf(begun)} step={step} onStep={(next) => void navigate({ search: { step: next } })} />;
}

function Locked({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns;
  const navigate = useNavigate();
  const clone = useClone();
  const [run, isBusy] = useAction();
  async function copy() {
    const copied = await clone.mutateAsync(campaign.id);
    await navigate({ to: '/campaigns/$campaignId/edit', params: { campaignId: copied.id } });
  }
  return (
    <>
      <PageHead title={t.editor.editTitle(campaign.title)} crumbs={[{ label: t.title, to: '/campaigns' }]} />
      <Alert color="blue" variant="light" icon={<Lock aria-hidden />} data-testid="campaigns-editor-locked">
        <Stack>
          <Text size="sm">{t.editor.locked}</Text>
          <Group gap="xs">
            <Button size="sm" onClick={() => void run(copy, t.done.cloned)} loading={isBusy}>
              {t.editor.clone}
            </Button>
            <Button size="sm" variant="default" component={Link} to={`/campaigns/${campaign.id}`}>
              {t.editor.openCampaign}
            </Button>
          </Group>
        </Stack>
      </Alert>
    </>
  );
}
