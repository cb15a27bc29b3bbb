// One upload at a time: how far it is, and what went wrong in words.
import { useState } from 'react';
import { toProblem } from '@/api/problem';
import { useWords } from '@/words';
import type { StoredFile } from './files';
import { problemWords } from './problemWords';

type Get = (onShare: (share: number) => void) => Promise<StoredFile>;

interface Field {
  set: (file: StoredFile) => void;
  fail: (words: string | null) => void;
}

/** `share` is null when nothing is under way, else 0 to 1; the outcome lands on the field. */
export function useUpload({ set, fail }: Field) {
  const t = useWords();
  const [share, setShare] = useState<number | null>(null);
  async function take(get: Get) {
    fail(null);
    setShare(0);
    try {
      set(await get(setShare));
    } catch (error) {
      const problem = toProblem(error);
      fail(problem.fields[0]?.message ?? problemWords(t, problem));
    } finally {
      setShare(null);
    }
  }
  return { share, take: (get: Get) => void take(get) };
}
