// What the server says. All addresses are relative to the page, which may live below `/@SERVERID/`.

/** The session object (docs/session-object.schema.json), as far as the pages show it. */
export interface Session {
  id: string;
  serverId: string;
  name: string;
  /** Whose it is. */
  login: string;
  user: string;
  command: string;
  /** `1280x800`. */
  geometry: string;
  state: "pending" | "starting" | "running" | "connected" | "disconnected" | "ending" | "ended";
  ended: { reason: string; detail: string } | null;
  clients: number;
  started: string;
  changed: string;
  warning: { text: string; ends: string } | null;
  /** Which way text may go between its clipboard and mine. */
  clipboard: "both" | "in" | "out" | "off";
  /** While it is pending: what the batch system says. */
  job: { id: string | null; state: string; message: string } | null;
}

export interface Sessions {
  server: string;
  /** The name that I signed in with; null: with the portal's key. */
  login: string | null;
  role: "user" | "manager" | "admin";
  sessions: Session[];
}

/** A refusal by the server (or the gateway before it), with its stable code. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Longer than any answer takes on a bad line, shorter than a person's patience. */
const ANSWER_WITHIN = 4000;

/** A desktop on a busy machine takes some seconds to start, a program that will not end some to be killed. */
const DONE_WITHIN = 60_000;

export const listSessions = (): Promise<Sessions> => ask("api/sessions");

/** What is missing is chosen by the server. */
export interface Wanted {
  name: string;
  command: string;
  geometry: string;
  server?: string;
  /** Whose form asked for the parameters. */
  profile?: string;
  params?: Record<string, Value>;
}

export const startSession = (wanted: Wanted): Promise<Session> =>
  ask("api/sessions", post(wanted), DONE_WITHIN);

/** A server that a session could start on. */
export interface Candidate {
  serverId: string;
  hostname: string;
  sessions: number;
  /** Its processors, and how many were wanted in the last minute. */
  cpus: number;
  load: number;
  newSessions: boolean;
}

export const listServers = (): Promise<Candidate[]> => ask("api/servers");

/** What the server that the page is of has installed. */
export interface Application {
  id: string;
  name: string;
  command: string;
  kind: "desktop" | "program";
}

export const listApplications = (): Promise<Application[]> => ask("api/applications");

export type Value = string | number | boolean;

/** What an administrator wants to be asked before a start (docs/jobs.md): JSON Schema, as much of it as the pages show. */
export interface Form {
  title?: string;
  description?: string;
  properties: Record<string, Field>;
  required?: string[];
}

export interface Field {
  type: "string" | "number" | "integer" | "boolean";
  title?: string;
  description?: string;
  enum?: Value[];
  default?: Value;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

/** By the name of the application or the profile that they are of. */
export const listForms = (): Promise<Record<string, Form>> => ask("api/forms");

export const endSession = (id: string): Promise<unknown> =>
  ask(`api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" }, DONE_WITHIN);

export const renameSession = (id: string, name: string): Promise<Session> =>
  ask(`api/sessions/${encodeURIComponent(id)}`, { ...post({ name }), method: "PATCH" });

/** Sends everybody away who looks at it. */
export const disconnectSession = (id: string): Promise<unknown> =>
  ask(`api/sessions/${encodeURIComponent(id)}/disconnect`, { method: "POST" });

/** The last 64 KiB of what its programs wrote. */
export const sessionLog = (id: string): Promise<string> => ask(`api/sessions/${encodeURIComponent(id)}/log`);

/** Address of a picture of its screen; `when` makes it a new one. */
export const thumbnail = (id: string, when: string): string =>
  `api/sessions/${encodeURIComponent(id)}/thumbnail?at=${encodeURIComponent(when)}`;

/** Server-sent events: `update` with a session, `delete` with its id, `ready` after the first ones. */
export const sessionEvents = (): EventSource => new EventSource("api/sessions/events");

/** A way to sign in: with what a form asks, or on another site (docs/logins.md). */
export interface Way {
  id: string;
  label: string;
  kind: "form" | "redirect";
}

export interface Prompt {
  text: string;
  echo: boolean;
}

/** The server wants to know more before it lets somebody in. */
export interface Asked {
  state: "keyboard-interactive";
  conversation: string;
  prompts: Prompt[];
  message: string | null;
}

export type Step = { state: "success" } | Asked;

export const ways = (): Promise<{ ways: Way[] }> => ask("api/login");

export const open = (key: string): Promise<Step> => ask("api/open", post({ key }));

/** Without a `way` it is the server's first; without a password the server asks for what it wants. */
export const login = (way: string | undefined, username: string, password: string): Promise<Step> =>
  ask("api/login", post({ way, username, password: password || undefined }), DONE_WITHIN);

export const answer = (conversation: string, answers: string[]): Promise<Step> =>
  ask("api/login/answer", post({ conversation, answers }), DONE_WITHIN);

const post = (body: object): RequestInit => ({
  method: "POST",
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

export const logout = (): Promise<unknown> => ask("api/logout", { method: "POST" });

/** Milliseconds from a small question to the first byte of its answer, without the time to open a connection for it. */
export async function roundTrip(server?: string): Promise<number | undefined> {
  const address = `${portal(server)}api/health`;
  await ask(address);
  const [timing] = performance.getEntriesByName(new URL(address, document.baseURI).href).slice(-1);
  performance.clearResourceTimings();
  if (!(timing instanceof PerformanceResourceTiming)) return undefined;
  return timing.responseStart - timing.requestStart;
}

/** Of the session's server, as the gateway knows the way to it; the page's own if there is no name. */
export const sessionSocket = (id: string, server?: string): WebSocket =>
  socket(`${portal(server)}api/sessions/${encodeURIComponent(id)}/socket`, ["binary"]);

/** The portal of a server: all gateways know it by this path. */
const portal = (server?: string): string => (server === undefined ? "" : `/@${encodeURIComponent(server)}/`);

export const pageOf = (server: string, id: string): string => `${portal(server)}display?id=${encodeURIComponent(id)}`;

/** Opens a session once, on whatever server it is, for one who is signed in here. */
export interface Ticket {
  server: string;
  ticket: string;
  ways: { way: "gateway"; url: string }[];
}

export const ticket = (id: string): Promise<Ticket> =>
  ask(`api/sessions/${encodeURIComponent(id)}/ticket`, { method: "POST" });

/** The ticket is among the protocols: addresses are in logs. */
export const ticketSocket = (url: string, ticket: string): WebSocket => socket(url, ["binary", `ticket.${ticket}`]);

/** A link to a session for guests. */
export interface Share {
  id: string;
  mode: "view" | "control";
  expires: string;
  /** How many look by it. */
  connected: number;
}

const shares = (id: string): string => `api/sessions/${encodeURIComponent(id)}/shares`;

export const listShares = (id: string): Promise<Share[]> => ask(shares(id));

/** The link is told this once; `expires` in seconds. */
export const share = (id: string, mode: Share["mode"], expires: number): Promise<{ url: string }> =>
  ask(shares(id), post({ mode, expires }));

export const endShare = (id: string, share: string): Promise<unknown> =>
  ask(`${shares(id)}/${encodeURIComponent(share)}`, { method: "DELETE" });

/** What a link leads to. */
export interface Invitation {
  name: string;
  owner: string;
  clipboard: Session["clipboard"];
  mode: Share["mode"];
}

export const invitation = (token: string): Promise<Invitation> => ask("api/share", post({ token }));

/** The token is among the protocols: addresses are in logs. */
export const shareSocket = (token: string): WebSocket => socket("api/share/socket", ["binary", `share.${token}`]);

function socket(address: string, protocols: string[]): WebSocket {
  const url = new URL(address, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return new WebSocket(url, protocols);
}

async function ask<T>(address: string, options: RequestInit = {}, within = ANSWER_WITHIN): Promise<T> {
  const signal = AbortSignal.timeout(within);
  const answer = await fetch(address, { ...options, cache: "no-store", signal });
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body && "result" in body) return body.result as T;
  const { code, message } = body?.error ?? {};
  throw new Refused(answer.status, code ?? "", message ?? body?.detail ?? `The server answered ${answer.status}.`);
}
