// A campaign's messages as one bar: sent, failed, left out, unconfirmed, with rate and end while it runs.
import { Progress } from '@mantine/core';
import { ProgressWithEta } from '@/parts/ProgressWithEta';
import { useWords } from '@/words';
import { ended, isRunning } from './actions';
import { useHeld } from './held';
import type { Campaign } from './types';

function useSections(campaign: Campaign) {
  const t = useWords().campaigns.page.parts;
  const { counts } = campaign;
  return [
    { value: counts.sent, color: 'teal', label: t.sent },
    { value: counts.failed, color: 'red', label: t.failed },
    { value: counts.skipped, color: 'yellow', label: t.skipped },
    { value: counts.unconfirmed, color: 'orange', label: t.unconfirmed },
  ];
}

export function CampaignBar({ campaign }: { campaign: Campaign }) {
  const t = useWords().campaigns.page;
  const { isStill } = useHeld(campaign);
  return (
    <ProgressWithEta
      label={t.progress(campaign.title)}
      done={ended(campaign.counts)}
      total={campaign.counts.total}
      sections={useSections(campaign)}
      ratePerMinute={isStill ? null : campaign.rate_per_minute}
      etaAt={isStill ? null : campaign.eta_at}
      etaLateAt={isStill ? null : campaign.eta_late_at}
      isActive={isRunning(campaign) && !isStill}
    />
  );
}

/** In a row of a list: the bar alone. */
export function CampaignMiniBar({ campaign }: { campaign: Campaign }) {
  const t = useWords();
  const { total } = campaign.counts;
  if (total === 0) return null;
  const sections = useSections(campaign);
  return (
    <Progress.Root size={6} w={110} radius="xl" data-testid="campaigns-row-bar">
      {sections.map((part, index) => (
        <Progress.Section
          key={part.label}
          value={(part.value / total) * 100}
          color={part.color}
          aria-label={index === 0 ? t.campaigns.page.progress(campaign.title) : part.label}
          aria-valuetext={t.parts.progress.of(part.value, total)}
          animated={index === 0 && isRunning(campaign)}
          striped={index === 0 && isRunning(campaign)}
        />
      ))}
    </Progress.Root>
  );
}
