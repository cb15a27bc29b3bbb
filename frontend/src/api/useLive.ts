// React's handle on the live line.
import { createContext, useContext, useEffect, useSyncExternalStore } from 'react';
import type { LiveFrame, LiveLine, LiveState } from './live';

export const LiveContext = createContext<LiveLine | null>(null);

/** 'lost' once the line has been down for five seconds. */
export function useLiveState(): LiveState {
  const line = useContext(LiveContext);
  return useSyncExternalStore(line?.subscribe ?? nothing, () => line?.state ?? 'open');
}

/** Follow `device:ID` or `campaign:ID` while the calling part is on the screen. */
export function useFollow(topic: string | null): void {
  const line = useContext(LiveContext);
  useEffect(() => (line !== null && topic !== null ? line.follow(topic) : undefined), [line, topic]);
}

/** Hear each frame; `listener` must be stable (useCallback). */
export function useFrames(listener: (frame: LiveFrame) => void): void {
  const line = useContext(LiveContext);
  useEffect(() => line?.onFrame(listener), [line, listener]);
}

function nothing(): () => void {
  return () => {};
}
