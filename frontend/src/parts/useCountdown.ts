// Seconds that run down to zero.
import { useInterval } from '@mantine/hooks';
import { useEffect, useState } from 'react';

/** Gives [seconds left, start(seconds)]. */
export function useCountdown(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const left = useSecondsUntil(until);
  return [left, (seconds) => setUntil(Date.now() + seconds * 1000)];
}

/** Whole seconds until an instant (milliseconds since 1970), never below zero; ticks by itself. */
export function useSecondsUntil(until: number): number {
  const [now, setNow] = useState(() => Date.now());
  const left = Math.max(0, Math.ceil((until - now) / 1000));
  const timer = useInterval(() => setNow(Date.now()), 500);
  useEffect(() => {
    setNow(Date.now());
    if (until > Date.now()) timer.start();
    return timer.stop;
  }, [until]);
  useEffect(() => {
    if (left === 0) timer.stop();
  }, [left]);
  return left;
}
