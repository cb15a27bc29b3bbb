// An action of a button: runs once at a time, tells success, shows a problem as a toast.
import { useCallback, useState } from 'react';
import { useWords } from '@/words';
import { tell, tellProblem } from './toast';

/** Gives [run, isBusy]. `run` resolves to true when it worked. */
export function useAction(): [run: (act: () => Promise<unknown>, done?: string) => Promise<boolean>, isBusy: boolean] {
  const t = useWords();
  const [isBusy, setBusy] = useState(false);
  const run = useCallback(
    async (act: () => Promise<unknown>, done?: string) => {
      setBusy(true);
      try {
        await act();
        if (done !== undefined) tell(done);
        return true;
      } catch (error) {
        tellProblem(t, error);
        return false;
      } finally {
        setBusy(false);
      }
    },
    [t],
  );
  return [run, isBusy];
}
