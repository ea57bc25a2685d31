// The list as it changes, and how sure it is.

import { useEffect, useState } from "react";
import { listSessions, Refused, type Session, type Sessions, sessionEvents } from "../api";
import type { Tone } from "../element";
import { told } from "../told";

/** Milliseconds after the stream of changes broke. */
const AGAIN = 1500;

export interface Followed {
  /** The server that the page is of, and who asks; unknown until it has answered once. */
  about?: Omit<Sessions, "sessions">;
  sessions: ReadonlyMap<string, Session>;
  badge: { tone: Tone; text: string; why?: string };
  /** There is a list, if perhaps an old one. */
  known: boolean;
  /** The server wants to know who this is; call it when it does. */
  wanted?: () => void;
}

const NOTHING: Followed = { sessions: new Map(), badge: { tone: "wait", text: "loading…" }, known: false };

type Tell = (change: (now: Followed) => Partial<Followed>) => void;

export function useSessions(): Followed {
  const [followed, setFollowed] = useState(NOTHING);
  useEffect(() => {
    const leaving = new AbortController();
    const tell: Tell = (change) => {
      if (!leaving.signal.aborted) setFollowed((now) => ({ ...now, ...change(now) }));
    };
    void run(tell, leaving.signal);
    return () => leaving.abort();
  }, []);
  return followed;
}

async function run(tell: Tell, signal: AbortSignal): Promise<void> {
  let live = "";
  while (!signal.aborted) {
    try {
      await once(tell, signal);
      live = new Date().toLocaleTimeString();
      tell(() => ({ badge: { tone: "wait", text: "reconnecting…" } }));
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        await new Promise<void>((come) => tell(() => ({ wanted: come, badge: { tone: "wait", text: "sign-in wanted" } })));
        tell(() => ({ wanted: undefined }));
        continue;
      }
      const text = live ? `no answer since ${live}` : "no answer";
      tell(() => ({ badge: { tone: "bad", text, why: told(error) } }));
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

/** One stream of changes, until it breaks. */
async function once(tell: Tell, signal: AbortSignal): Promise<void> {
  // Says why, where a stream of events only says that it failed.
  const { sessions, ...about } = await listSessions();
  tell(() => ({ about, sessions: new Map(sessions.map((session) => [session.id, session])), known: true }));
  document.title = `Sessions on ${about.server}`;
  const events = sessionEvents();
  // A new list takes the place of the old one when it is whole.
  const heard = new Map<string, Session>();
  let ready = false;
  const changed = () => {
    if (ready) tell(() => ({ sessions: new Map(heard) }));
  };
  events.addEventListener("update", ({ data }: MessageEvent<string>) => {
    const session = JSON.parse(data) as Session;
    heard.set(session.id, session);
    changed();
  });
  events.addEventListener("delete", ({ data }: MessageEvent<string>) => {
    heard.delete((JSON.parse(data) as { id: string }).id);
    changed();
  });
  events.addEventListener("ready", () => {
    ready = true;
    tell(() => ({ badge: { tone: "good", text: "live" } }));
    changed();
  });
  await new Promise((broken) => {
    events.addEventListener("error", broken);
    signal.addEventListener("abort", broken);
  });
  events.close();
}
