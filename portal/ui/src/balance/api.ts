// What the balancer is asked and answers (docs/balancing.md, "Programs").

/** As in an address. */
export const ACTIONS = ["session-start", "user-login"] as const;
export type ActionName = (typeof ACTIONS)[number];

export interface Planned {
  name: string;
  source: string;
  enabled: boolean;
}

export interface Wish {
  action: string;
  user: { login: string };
  userGroups: string[];
  isManager: boolean;
  isAdmin: boolean;
  local: { serverId: string };
  data: unknown;
}

/** Two runs at the same one, on the same servers, end alike. */
export interface Moment {
  /** Milliseconds since 1970. */
  now: number;
  /** Seconds that local time is ahead of UTC. */
  utcOffset: number;
  seed: number;
}

export type Expected = { oneOf: string[] } | { error: string };

export interface Case {
  name: string;
  request: Wish;
  servers: unknown[];
  moment: Moment;
  expect: Expected;
}

export interface Plan {
  prefilter: unknown;
  functions: Planned[];
  cases: Case[];
}

export interface Saved {
  version: number;
  by: string;
  at: string;
  rollback?: number;
  overridden?: string[];
  plan: Plan;
}

export interface Step {
  function: string;
  offered: number;
  left: number;
  tookMs: number;
  console: { text: string }[];
  said: string;
}

export interface Trace {
  serverId?: string;
  error?: { code: string; message: string };
  notOffered: Record<string, number>;
  steps: Step[];
}

export interface Template {
  name: string;
  about: string;
  source: string;
}

export interface Trial {
  plan: Plan;
  request: Wish;
  /** Without them, the cluster's. */
  servers?: unknown[];
  moment: Moment;
}

/** A refusal in the server's words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Cases may take 10 s on the server. */
const WITHIN = 20_000;

export const server = async (): Promise<string> => (await ask<{ server: string }>("GET", "sessions")).server;
export const templates = (): Promise<Template[]> => ask("GET", "balance/templates");
export const test = (trial: Trial): Promise<Trace> => ask("POST", "balance/test", trial);

/** The newest last; before the first save there are none. */
export const versions = async (action: ActionName): Promise<Saved[]> =>
  (await ask<{ record: { versions: Saved[] } }>("GET", `balance/${action}`)).record.versions;

/** Refused with 422 if cases fail and may not, with 409 if `expect` is not the version any more. */
export const save = (action: ActionName, plan: Plan, expect: number, overrideCases: boolean): Promise<{ version: number }> =>
  ask("PUT", `balance/${action}`, { plan, expect, overrideCases });

export const rollback = (action: ActionName, version: number): Promise<{ version: number }> =>
  ask("POST", `balance/${action}/rollback`, { version });

async function ask<T>(method: string, address: string, body?: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers };
  const signal = AbortSignal.timeout(WITHIN);
  const answer = await fetch(`api/${address}`, { method, cache: "no-store", signal, ...sent });
  const said = await answer.json().catch(() => undefined);
  if (answer.ok && said && "result" in said) return said.result as T;
  throw new Refused(answer.status, said?.error?.message ?? said?.detail ?? `The server answered ${answer.status}.`);
}

export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
