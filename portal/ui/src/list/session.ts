// What the list says of a session. Pure: time comes from the caller.

import type { Session, Sessions } from "../api";

/** The server that the page is of, and who asks. */
export type About = Omit<Sessions, "sessions">;

export const isUp = ({ state }: Session) => state === "running" || state === "connected" || state === "disconnected";

export const isHere = ({ serverId }: Session, about: About) => serverId === about.server;

/** Who holds the portal's key, or is an admin of this server, has all of it; others have their own. */
export const isMine = ({ login }: Session, about: About) => about.role === "admin" || login === about.login;

/** Its server does it, and another one only for whose it is: an admin is one of each server's own. */
export const canEnd = (session: Session, about: About) =>
  isHere(session, about) || (about.role !== "admin" && session.login === about.login);

/** Those that ended last; the oldest first. */
export const inOrder = (sessions: Iterable<Session>): Session[] =>
  [...sessions].sort((a, b) => rank(a) - rank(b) || a.started.localeCompare(b.started) || a.id.localeCompare(b.id));

const rank = ({ state }: Session) => (state === "ended" ? 1 : 0);

/** Whether each word is somewhere in what its card says. */
export function matches(session: Session, words: string): boolean {
  const text = [session.name, session.command, session.serverId, session.state, session.login].join("\n").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The line for what is out of the ordinary. */
export const note = (session: Session): string => session.warning?.text ?? session.ended?.detail ?? waits(session);

/** What the batch system says of one that is still to begin. */
const waits = ({ state, job }: Session) =>
  state === "pending" && job ? [job.id && `job ${job.id}`, job.state, job.message].filter(Boolean).join(" · ") : "";

export const state = ({ state, clients }: Session) => (clients > 1 ? `${state} (${clients})` : state);

/** The page that shows it, on whatever server it is. */
export const address = ({ id }: Session): string => `display?id=${encodeURIComponent(id)}`;

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

export function age({ state, started, changed }: Session, now: number): string {
  const ended = state === "ended";
  const seconds = (now - Date.parse(ended ? changed : started)) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const ago = unit ? format.format(-Math.floor(seconds / length), unit) : "just now";
  return `${ended ? "ended" : "started"} ${ago}`;
}
