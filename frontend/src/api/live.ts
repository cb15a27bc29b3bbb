// The one WebSocket. It only says what changed; rules turn that into fresh or patched query data.
import type { QueryClient } from '@tanstack/react-query';

export interface LiveFrame {
  id?: number;
  event: string;
  at?: string;
  data: Record<string, unknown>;
}

/** What to do with the cache when an event arrives. Kept by each folder in its `live.ts`. */
export type LiveRule = (data: Record<string, unknown>, cache: QueryClient) => void;
export type LiveRules = Record<string, LiveRule>;
export type LiveState = 'connecting' | 'open' | 'lost';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** After this long without a line the page says so and asks the server itself. */
export const NOTE_AFTER_MS = 5_000;
export const POLL_EVERY_MS = 15_000;

/** Waiting time before the next try: 1, 2, 4 … 30 seconds. */
export function waitBefore(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
}

export class LiveLine {
  private socket: WebSocket | null = null;
  private attempt = 0;
  private lastId: number | null = null;
  private stopped = true;
  private lostSince: number | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private noteTimer: ReturnType<typeof setTimeout> | undefined;
  private pollTimer: ReturnType<typeof setInterval> | undefined;
  private readonly topics = new Map<string, number>();
  private readonly listeners = new Set<() => void>();
  private frameListeners = new Set<(frame: LiveFrame) => void>();
  state: LiveState = 'connecting';

  constructor(
    private readonly cache: QueryClient,
    private readonly rules: LiveRules[],
    private readonly address: () => string = defaultAddress,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.attempt = 0;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.clearTimers();
    this.socket?.close();
    this.socket = null;
    this.lastId = null;
  }

  /** Ask for an object's events while someone looks at it; call the result when nobody does any more. */
  follow(topic: string): () => void {
    const before = this.topics.get(topic) ?? 0;
    this.topics.set(topic, before + 1);
    if (before === 0) this.send({ subscribe: [topic] });
    return () => {
      const left = (this.topics.get(topic) ?? 1) - 1;
      if (left > 0) {
        this.topics.set(topic, left);
        return;
      }
      this.topics.delete(topic);
      this.send({ unsubscribe: [topic] });
    };
  }

  /** Every frame as it comes, for the few parts that show the event itself (QR code). */
  onFrame(listener: (frame: LiveFrame) => void): () => void {
    this.frameListeners.add(listener);
    return () => this.frameListeners.delete(listener);
  }

  /** For React: called when `state` changes. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private connect(): void {
    const suffix = this.lastId === null ? '' : `?last_id=${this.lastId}`;
    const socket = new WebSocket(this.address() + suffix);
    this.socket = socket;
    socket.onopen = () => this.opened();
    socket.onmessage = (event) => this.take(String(event.data));
    socket.onclose = () => this.closed(socket);
    if (this.noteTimer === undefined) this.noteTimer = setTimeout(() => this.giveNote(), NOTE_AFTER_MS);
  }

  private opened(): void {
    const wasLost = this.lostSince !== null || this.attempt > 0;
    this.clearTimers();
    this.attempt = 0;
    this.lostSince = null;
    this.change('open');
    if (this.topics.size > 0) this.send({ subscribe: [...this.topics.keys()] });
    if (wasLost) void this.cache.invalidateQueries();
  }

  private closed(socket: WebSocket): void {
    if (this.stopped || this.socket !== socket) return;
    this.socket = null;
    this.lostSince ??= Date.now();
    if (this.noteTimer === undefined) this.noteTimer = setTimeout(() => this.giveNote(), NOTE_AFTER_MS);
    this.retryTimer = setTimeout(() => this.connect(), waitBefore(this.attempt));
    this.attempt += 1;
  }

  private giveNote(): void {
    this.change('lost');
    this.pollTimer ??= setInterval(() => void this.cache.invalidateQueries(), POLL_EVERY_MS);
  }

  private take(text: string): void {
    const frame = readFrame(text);
    if (frame === null) return;
    if (typeof frame.id === 'number') this.lastId = frame.id;
    if (frame.event === 'resync') {
      void this.cache.invalidateQueries();
      return;
    }
    for (const rules of this.rules) rules[frame.event]?.(frame.data, this.cache);
    for (const listener of this.frameListeners) listener(frame);
  }

  private send(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private change(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }

  private clearTimers(): void {
    clearTimeout(this.retryTimer);
    clearTimeout(this.noteTimer);
    clearInterval(this.pollTimer);
    this.retryTimer = this.noteTimer = this.pollTimer = undefined;
  }
}

function readFrame(text: string): LiveFrame | null {
  try {
    const frame = JSON.parse(text) as Partial<LiveFrame>;
    return typeof frame.event === 'string' ? { ...frame, event: frame.event, data: frame.data ?? {} } : null;
  } catch {
    return null;
  }
}

function defaultAddress(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}
