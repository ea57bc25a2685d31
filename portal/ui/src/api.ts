// What the server says. All addresses are relative to the page, which may live below `/@SERVERID/`.

export interface Display {
  id: string;
  name: string;
  /** `1280x800`, as it was started. */
  geometry: string;
  command: string[];
  state: "running" | "ended";
  started: string;
  changed: string;
}

export interface Displays {
  server: string;
  displays: Display[];
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

export const listDisplays = (): Promise<Displays> => ask("api/displays");

export const open = (key: string): Promise<unknown> =>
  ask("api/open", { method: "POST", body: JSON.stringify({ key }), headers: { "content-type": "application/json" } });

/** Milliseconds from a small question to the first byte of its answer, without the time to open a connection for it. */
export async function roundTrip(): Promise<number | undefined> {
  await ask("api/health");
  const [timing] = performance.getEntriesByName(new URL("api/health", document.baseURI).href).slice(-1);
  performance.clearResourceTimings();
  if (!(timing instanceof PerformanceResourceTiming)) return undefined;
  return timing.responseStart - timing.requestStart;
}

export function displaySocket(id: string): WebSocket {
  const url = new URL(`api/displays/${encodeURIComponent(id)}/socket`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return new WebSocket(url, ["binary"]);
}

async function ask<T>(address: string, options: RequestInit = {}): Promise<T> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN);
  const answer = await fetch(address, { ...options, cache: "no-store", signal });
  const body = await answer.json().catch(() => undefined);
  if (answer.ok && body && "result" in body) return body.result as T;
  const { code, message } = body?.error ?? {};
  throw new Refused(answer.status, code ?? "", message ?? body?.detail ?? `The server answered ${answer.status}.`);
}
