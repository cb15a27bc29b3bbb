// The things one can do with a campaign, as buttons of its page or as button and menu of a row, with their questions.
import { ActionIcon, Button, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { ChartNoAxesColumn, CirclePause, CirclePlay, Copy, EllipsisVertical, Pencil, Play, RotateCw, Trash2, X, type LucideIcon } from 'lucide-react';
import { useState } from 'react';
import { useMay } from '@/accounts/hooks';
import { ConfirmDelete } from '@/parts/ConfirmDelete';
import { useAction } from '@/parts/useAction';
import { useWords } from '@/words';
import { actionsFor, type Action } from './actions';
import { CancelDialog } from './CancelDialog';
import { useClone, useDeleteCampaign, usePause, useResume } from './hooks';
import { ResumeDialog } from './ResumeDialog';
import { RetryDialog } from './RetryDialog';
import { StartDialog } from './StartDialog';
import type { Campaign } from './types';

const icons: Record<Action, LucideIcon> = {
  start: Play,
  pause: CirclePause,
  resume: CirclePlay,
  edit: Pencil,
  cancel: X,
  report: ChartNoAxesColumn,
  retry: RotateCw,
  clone: Copy,
  delete: Trash2,
};

interface Props {
  campaign: Campaign;
  /** `page`: buttons in the page's head, with Clone in every state. `row`: one button and a menu. */
  as: 'page' | 'row';
}

export function CampaignActions({ campaign, as }: Props) {
  const mayAct = useMay('operator');
  const [asked, setAsked] = useState<Action | null>(null);
  const { run, isBusy } = useRun(campaign, setAsked);
  const isOnPage = as === 'page';
  const all = actionsFor(campaign).filter((action) => (mayAct || action === 'report') && !(isOnPage && action === 'report'));
  const actions: Action[] = isOnPage && mayAct && !all.includes('clone') ? [...all, 'clone'] : all;
  if (actions.length === 0) return null;
  return (
    <>
      {isOnPage ? <Buttons {...{ actions, run, isBusy }} /> : <RowActions {...{ campaign, actions, run, isBusy }} />}
      {asked === 'start' && <StartDialog campaign={campaign} onClose={() => setAsked(null)} />}
      {asked === 'resume' && <ResumeDialog campaign={campaign} onClose={() => setAsked(null)} />}
      {asked === 'retry' && <RetryDialog campaign={campaign} onClose={() => setAsked(null)} />}
      {asked === 'cancel' && <CancelDialog campaign={campaign} onClose={() => setAsked(null)} />}
      {asked === 'delete' && <DeleteDialog campaign={campaign} isOnPage={isOnPage} onClose={() => setAsked(null)} />}
    </>
  );
}

/** Does an action at once, or asks first. */
function useRun(campaign: Campaign, ask: (action: Action) => void) {
  const t = useWords().campaigns;
  const navigate = useNavigate();
  const [act, isBusy] = useAction();
  const pause = usePause();
  const resume = useResume();
  const clone = useClone();
  const { id } = campaign;
  async function copy() {
    const copied = await clone.mutateAsync(id);
    await navigate({ to: '/campaigns/$campaignId/edit', params: { campaignId: copied.id } });
  }
  function run(action: Action) {
    if (action === 'pause') void act(() => pause.mutateAsync(id), t.done.paused);
    else if (action === 'resume' && campaign.pause_cause !== null) ask(action);
    else if (action === 'resume') void act(() => resume.mutateAsync({ id }), t.done.resumed);
    else if (action === 'clone') void act(copy, t.done.cloned);
    else if (action === 'edit') void navigate({ to: '/campaigns/$campaignId/edit', params: { campaignId: id } });
    else if (action === 'report') void navigate({ to: '/campaigns/$campaignId', params: { campaignId: id }, search: { tab: 'report' } });
    else ask(action);
  }
  return { run, isBusy };
}

interface ListProps {
  actions: Action[];
  run: (action: Action) => void;
  isBusy: boolean;
}

const isLoss = (action: Action) => action === 'delete' || action === 'cancel';

function Buttons({ actions, run, isBusy }: ListProps) {
  const t = useWords().campaigns.actions;
  return actions.map((action, index) => {
    const Icon = icons[action];
    return (
      <Button
        key={action}
        variant={index === 0 && !isLoss(action) && action !== 'clone' && action !== 'retry' ? 'filled' : 'default'}
        leftSection={<Icon size={16} aria-hidden />}
        onClick={() => run(action)}
        disabled={isBusy}
        data-testid={action === 'retry' ? 'campaign-retry-failed' : `campaigns-page-${action}`}
      >
        {t[action]}
      </Button>
    );
  });
}

function RowActions({ campaign, actions, run, isBusy }: ListProps & { campaign: Campaign }) {
  const t = useWords().campaigns;
  const [main, ...others] = actions;
  if (main === undefined) return null;
  return (
    <span style={{ display: 'inline-flex', gap: 4, alignItems: 'center' }}>
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => run(main)}
        loading={isBusy}
        aria-label={`${t.actions[main]}: ${campaign.title}`}
        data-testid={`campaigns-row-${main}`}
        visibleFrom="sm"
      >
        {t.actions[main]}
      </Button>
      <Menu position="bottom-end" shadow="sm">
        <Menu.Target>
          <ActionIcon aria-label={t.actionsOf(campaign.title)} data-testid="campaigns-row-menu">
            <EllipsisVertical size={17} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {[main, ...others].map((action) => {
            const Icon = icons[action];
            return (
              <Menu.Item
                key={action}
                color={isLoss(action) ? 'red' : undefined}
                leftSection={<Icon size={16} aria-hidden />}
                onClick={() => run(action)}
                data-testid={`campaigns-menu-${action}`}
              >
                {t.actions[action]}
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}

function DeleteDialog({ campaign, isOnPage, onClose }: { campaign: Campaign; isOnPage: boolean; onClose: () => void }) {
  const t = useWords().campaigns;
  const navigate = useNavigate();
  const remove = useDeleteCampaign();
  const { total } = campaign.counts;
  async function confirm() {
    await remove.mutateAsync(campaign.id);
    if (isOnPage) await navigate({ to: '/campaigns' });
  }
  return (
    <ConfirmDelete
      opened
      onClose={onClose}
      title={t.delete.title(campaign.title)}
      action={t.delete.act(total)}
      losses={t.delete.loses(total)}
      stays={t.delete.stays}
      typeName={total > 100 ? campaign.title : undefined}
      onConfirm={confirm}
      data-testid="campaigns-delete-dialog"
    />
  );
}
