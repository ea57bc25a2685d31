// The page with my sessions, live.

import { endSession, listSessions, logout, Refused, type Session, sessionEvents, thumbnail } from "./api";
import { badge, element } from "./element";
import { signIn, openFromAddress } from "./sign-in/dialog";
import { openStartForm } from "./start";

/** How often the ages are written anew, and the pictures of running sessions. */
const AGES_EVERY = 10_000;
const PICTURES_EVERY = 15_000;
/** After the stream of changes broke. */
const AGAIN = 1500;

const sessions = new Map<string, Session>();
let live = "";
/** The server that this page is of. */
let here = "";
/** Whose sessions on other servers can be ended from here; an admin is one of each server's own. */
let me: string | null = null;

/** One stream of changes, until it breaks. */
async function follow(): Promise<void> {
  // Says why, where a stream of events only says that it failed.
  const { server, login, role } = await listSessions();
  here = server;
  me = role === "admin" ? null : login;
  element("administration").hidden = role !== "admin";
  element("out").hidden = login === null;
  element("out").title = `You are ${login}`;
  element("server").textContent = server;
  document.title = `Sessions on ${server}`;
  const events = sessionEvents();
  const heard = new Map<string, Session>();
  let ready = false;
  const take = (change: () => void) => {
    change();
    if (ready) show();
  };
  events.addEventListener("update", ({ data }: MessageEvent<string>) => {
    const session = JSON.parse(data) as Session;
    take(() => (ready ? sessions : heard).set(session.id, session));
  });
  events.addEventListener("delete", ({ data }: MessageEvent<string>) => {
    take(() => (ready ? sessions : heard).delete((JSON.parse(data) as Session).id));
  });
  events.addEventListener("ready", () => {
    ready = true;
    sessions.clear();
    for (const [id, session] of heard) sessions.set(id, session);
    show();
    live = new Date().toLocaleTimeString();
    badge("good", "live");
  });
  await new Promise((broken) => events.addEventListener("error", broken));
  events.close();
}

async function run(): Promise<never> {
  for (;;) {
    try {
      await follow();
      live = new Date().toLocaleTimeString();
      badge("wait", "reconnecting…");
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        badge("wait", "sign-in wanted");
        await signIn();
        continue;
      }
      badge("bad", live ? `no answer since ${live}` : "no answer");
      element("badge").title = error instanceof Error ? error.message : "";
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

function show(): void {
  element("empty").hidden = sessions.size > 0;
  const list = element("sessions");
  const known = new Map([...list.children].map((item) => [(item as HTMLElement).dataset.id, item as HTMLElement]));
  const order = [...sessions.values()].sort((a, b) => rank(a) - rank(b) || a.started.localeCompare(b.started));
  // Cards that stay keep their element, so that focus and selection survive a change.
  const items = order.map((session) => fill(known.get(session.id) ?? newCard(), session));
  if (items.length !== list.children.length || items.some((item, at) => list.children[at] !== item)) {
    list.replaceChildren(...items);
  }
}

const isUp = ({ state }: Session) => state === "running" || state === "connected" || state === "disconnected";
const rank = (session: Session) => (session.state === "ended" ? 1 : 0);

function newCard(): HTMLElement {
  const template = element<HTMLTemplateElement>("card");
  const card = template.content.firstElementChild?.cloneNode(true) as HTMLElement;
  const end = card.querySelector(".end") as HTMLButtonElement;
  end.addEventListener("click", () => void ends(card, end));
  const picture = card.querySelector(".picture") as HTMLImageElement;
  picture.addEventListener("load", () => {
    picture.hidden = false;
  });
  return card;
}

function fill(item: HTMLElement, session: Session): HTMLElement {
  const part = <T extends HTMLElement>(name: string) => item.querySelector(`.${name}`) as T;
  const set = (name: string, text: string) => {
    if (part(name).textContent !== text) part(name).textContent = text;
  };
  item.dataset.id = session.id;
  set("name", session.name);
  set("command", session.command);
  set("note", session.warning?.text ?? session.ended?.detail ?? waits(session));
  part("note").dataset.state = session.warning ? "wait" : "";
  set("state", session.clients > 1 ? `${session.state} (${session.clients})` : session.state);
  set("where", session.serverId === here ? "" : session.serverId);
  part("end").hidden = !canEnd(session);
  set("size", session.geometry.replace("x", " × "));
  set("changed", since(session));
  part<HTMLTimeElement>("changed").dateTime = session.changed;
  part("changed").title = new Date(session.changed).toLocaleString();
  set("end", session.state === "ended" ? "Forget" : "End");
  part("end").setAttribute("aria-label", `${session.state === "ended" ? "Forget" : "End"} ${session.name}`);
  const link = part<HTMLAnchorElement>("look");
  if (isUp(session)) link.setAttribute("href", address(session));
  else link.removeAttribute("href");
  photograph(part("picture"), session);
  return item;
}

/** Its server does it, and another one only for whose it is. */
const canEnd = ({ serverId, login }: Session) => serverId === here || login === me;

/** What the batch system says of one that is still to begin. */
const waits = ({ state, job }: Session) =>
  state === "pending" && job ? [job.id && `job ${job.id}`, job.state, job.message].filter(Boolean).join(" · ") : "";

/** The page that shows it; of another server through the same gateway, which knows the way to each as `/@SERVERID/`. */
function address({ id, serverId }: Session): string {
  const page = `display?id=${encodeURIComponent(id)}`;
  return serverId === here ? page : `/@${encodeURIComponent(serverId)}/${page}`;
}

/** A new picture now and then, and whenever its state changed. */
function photograph(picture: HTMLImageElement, session: Session): void {
  if (!isUp(session) || session.serverId !== here) return;
  const when = `${session.changed} ${Math.floor(Date.now() / PICTURES_EVERY)}`;
  if (picture.dataset.when === when) return;
  picture.dataset.when = when;
  picture.src = thumbnail(session.id, when);
}

/** The first click asks, the second does it. */
async function ends(card: HTMLElement, button: HTMLButtonElement): Promise<void> {
  const session = sessions.get(card.dataset.id ?? "");
  if (!session) return;
  if (session.state !== "ended" && !button.dataset.asked) {
    button.dataset.asked = "yes";
    button.textContent = "Really end?";
    setTimeout(() => {
      delete button.dataset.asked;
      show();
    }, 4000);
    return;
  }
  button.disabled = true;
  try {
    await endSession(session.id);
  } catch (error) {
    button.title = error instanceof Error ? error.message : "";
  } finally {
    delete button.dataset.asked;
    button.disabled = false;
  }
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

function since({ state, started, changed }: Session): string {
  const ended = state === "ended";
  const seconds = (Date.now() - Date.parse(ended ? changed : started)) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const ago = unit ? format.format(-Math.floor(seconds / length), unit) : "just now";
  return `${ended ? "ended" : "started"} ${ago}`;
}

await openFromAddress();
openStartForm();
element("out").addEventListener("click", async () => {
  await logout().catch(() => undefined);
  location.reload();
});
setInterval(() => {
  if (!document.hidden && live) show();
}, AGES_EVERY);
await run();
