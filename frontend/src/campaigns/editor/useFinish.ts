// The editor's last button: stores the campaign and starts it, plans it for its time, or keeps it waiting.
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { toProblem } from '@/api/problem';
import { useFormat } from '@/parts/format';
import { tell } from '@/parts/toast';
import { useWords } from '@/words';
import { useChangeCampaign, useCreateCampaign, usePause, useResume, useTrigger } from '../hooks';
import type { Campaign, CampaignIn } from '../types';
import { bodyOf, renames } from './draft';
import type { useDraftForm } from './useDraftForm';

/** `start`: now, if the plan still holds. `schedule`: at its time. `hold`: when somebody starts it. */
export type Ending = 'start' | 'schedule' | 'hold';

export function useFinish(campaign: Campaign | null, { form, problem, drop }: ReturnType<typeof useDraftForm>) {
  const t = useWords().campaigns.editor.plan;
  const navigate = useNavigate();
  const format = useFormat();
  const trigger = useTrigger();
  const store = useStore(campaign);
  const [isBusy, setBusy] = useState(false);
  const [isOver, setOver] = useState(false);
  const [hasChanged, setChanged] = useState(false);

  /** Gives the fields at fault, of the form; none when it worked. */
  async function run(ending: Ending, planHash: string | null): Promise<string[]> {
    problem.clear();
    setChanged(false);
    setBusy(true);
    try {
      const stored = await store(bodyOf(form.getValues()), ending);
      if (ending === 'start' && !(await begin(stored.id, planHash))) return [];
      await leave(stored, ending);
      return [];
    } catch (error) {
      problem.show(error);
      return toProblem(error).fields.map((field) => renames[field.field] ?? field.field);
    } finally {
      setBusy(false);
    }
  }

  /** False when the people have changed since the plan: the stored campaign is then looked at again in its own editor. */
  async function begin(id: string, planHash: string | null): Promise<boolean> {
    try {
      await trigger.mutateAsync({ id, planHash: planHash ?? undefined });
      return true;
    } catch (error) {
      if (toProblem(error).code !== 'plan_changed') throw error;
      setChanged(true);
      return false;
    }
  }

  async function leave(stored: Campaign, ending: Ending) {
    drop();
    setOver(true);
    if (ending === 'start') tell(t.started);
    else if (ending === 'schedule') tell(t.scheduled(format.moment(stored.scheduled_at)));
    else tell(campaign === null ? t.saved : t.savedChanges);
    await navigate({ to: '/campaigns/$campaignId', params: { campaignId: stored.id } });
  }

  return { run, isBusy, isOver, hasChanged };
}

/** Writes the campaign: a new one once, however often it is tried; an existing one as a change. */
function useStore(campaign: Campaign | null) {
  const create = useCreateCampaign();
  const change = useChangeCampaign();
  const pause = usePause();
  const resume = useResume();
  const made = useRef<Campaign | null>(null);
  const attempt = useRef({ body: '', key: '' });

  return async (body: CampaignIn, ending: Ending): Promise<Campaign> => {
    const known = campaign ?? made.current;
    if (known === null) {
      const wanted = { ...body, hold: ending !== 'schedule' };
      const text = JSON.stringify(wanted);
      if (attempt.current.body !== text) attempt.current = { body: text, key: newKey() };
      made.current = await create.mutateAsync({ body: wanted, key: attempt.current.key });
      return made.current;
    }
    // A waiting campaign whose time is taken away would start at once, before its plan is compared.
    const isPausedHere = ending === 'start' && known.status === 'pending';
    if (isPausedHere) await pause.mutateAsync(known.id);
    try {
      const changed = await change.mutateAsync({ id: known.id, body });
      return ending === 'schedule' && changed.status === 'paused' ? await resume.mutateAsync({ id: changed.id }) : changed;
    } catch (error) {
      if (isPausedHere) await resume.mutateAsync({ id: known.id });
      throw error;
    }
  };
}

/** A key nobody else uses. (`randomUUID` is missing where the page comes without HTTPS.) */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
