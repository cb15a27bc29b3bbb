// The time, moving on by itself, for words such as "starts in 3 hours".
import { useInterval } from '@mantine/hooks';
import { useState } from 'react';

/** Milliseconds since 1970, renewed every `every` milliseconds. */
export function useNow(every: number): number {
  const [now, setNow] = useState(() => Date.now());
  useInterval(() => setNow(Date.now()), every, { autoInvoke: true });
  return now;
}
