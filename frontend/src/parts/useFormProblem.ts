// What every form does with a refused submit: errors on their fields, the rest in a summary that takes focus.
import { useState } from 'react';
import { showOnForm, toProblem, type FieldError, type Problem } from '@/api/problem';

interface FormLike {
  setErrors: (errors: Record<string, string>) => void;
  getValues: () => object;
}

export interface FormProblem {
  problem: Problem | null;
  fields: { id?: string; message: string }[];
  rest: FieldError[];
  /** Call in the catch of a submit. */
  show: (thrown: unknown) => void;
  clear: () => void;
}

/** `renames` maps API field names to form fields; `idOf` gives the input's id for the summary's links. */
export function useFormProblem(
  form: FormLike,
  renames: Record<string, string> = {},
  idOf?: (field: string) => string | undefined,
): FormProblem {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [rest, setRest] = useState<FieldError[]>([]);
  const fields = (problem?.fields ?? [])
    .filter((error) => !rest.includes(error))
    .map((error) => ({ id: idOf?.(renames[error.field] ?? error.field), message: error.message }));
  return {
    problem,
    fields,
    rest,
    show: (thrown) => {
      const known = toProblem(thrown);
      setRest(showOnForm(form, known, renames));
      setProblem(known);
    },
    clear: () => {
      setProblem(null);
      setRest([]);
    },
  };
}
