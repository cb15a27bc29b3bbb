// The editor's form: begins with what was kept in this browser, keeps itself while typing, knows whether it was changed.
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useFormProblem } from '@/parts/useFormProblem';
import { useWords } from '@/words';
import type { Campaign } from '../types';
import { renames, wrongFields, type Draft } from './draft';
import { fieldId } from './fieldId';
import { dropDraft, keepDraft, keptDraft } from './keep';

export type DraftForm = UseFormReturnType<Draft>;

export function useDraftForm(campaign: Campaign | null, initial: Draft) {
  const t = useWords().campaigns.editor;
  const id = campaign?.id ?? null;
  const base = campaign?.updated_at ?? null;
  const [kept] = useState(() => keptDraft(id, base));
  const [restoredAt, setRestoredAt] = useState(kept?.saved_at ?? null);
  const form = useForm<Draft>({
    initialValues: kept === null ? initial : { ...initial, ...kept.draft },
    validate: (draft) => wrongFields(draft, t.wrong),
    validateInputOnBlur: true,
  });
  const problem = useFormProblem(form, renames, fieldId);
  const clean = useRef(JSON.stringify(initial));
  const isDirty = JSON.stringify(form.values) !== clean.current;
  const isDropped = useRef(false);

  const keep = useDebouncedCallback((draft: Draft) => {
    if (!isDropped.current) keepDraft(id, base, draft);
  }, 400);
  useEffect(() => {
    if (isDirty) keep(form.values);
  }, [form.values, isDirty, keep]);

  function drop() {
    isDropped.current = true;
    dropDraft(id);
  }
  function startAfresh() {
    dropDraft(id);
    form.setValues(initial);
    form.clearErrors();
    setRestoredAt(null);
  }
  return { form, problem, isDirty, restoredAt, drop, startAfresh };
}
