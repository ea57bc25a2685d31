// The page with the displays of this server.

import { type Display, listDisplays, Refused } from "./api";
import { badge, element } from "./element";
import { askForKey, openFromAddress } from "./key";

const REFRESH_EVERY = 2000;

let answered = "";

async function refresh(): Promise<void> {
  try {
    const { server, displays } = await listDisplays();
    show(server, displays);
    answered = new Date().toLocaleTimeString();
    badge("good", "live");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      badge("wait", "key wanted");
      await askForKey();
      return refresh();
    }
    badge("bad", answered ? `no answer since ${answered}` : "no answer");
    element("badge").title = error instanceof Error ? error.message : "";
  }
}

function show(server: string, displays: Display[]): void {
  element("server").textContent = server;
  document.title = `Displays of ${server}`;
  element("empty").hidden = displays.length > 0;
  const list = element("displays");
  const known = new Map([...list.children].map((item) => [(item as HTMLElement).dataset.id, item as HTMLElement]));
  // Cards that stay keep their element, so that focus and selection survive a refresh.
  const items = displays.map((display) => fill(known.get(display.id) ?? newCard(), display));
  if (items.length !== list.children.length || items.some((item, at) => list.children[at] !== item)) {
    list.replaceChildren(...items);
  }
}

function newCard(): HTMLElement {
  const template = element<HTMLTemplateElement>("card");
  return template.content.firstElementChild?.cloneNode(true) as HTMLElement;
}

function fill(item: HTMLElement, display: Display): HTMLElement {
  const part = <T extends HTMLElement>(name: string) => item.querySelector(`.${name}`) as T;
  const set = (name: string, text: string) => {
    if (part(name).textContent !== text) part(name).textContent = text;
  };
  item.dataset.id = display.id;
  set("name", display.name);
  set("command", display.command.join(" "));
  set("state", display.state);
  set("size", display.geometry.replace("x", " × "));
  set("changed", since(display));
  part<HTMLTimeElement>("changed").dateTime = display.changed;
  part("changed").title = new Date(display.changed).toLocaleString();
  part("shape").style.aspectRatio = display.geometry.replace("x", "/");
  const link = part<HTMLAnchorElement>("card");
  if (display.state === "running") link.setAttribute("href", `display?id=${display.id}`);
  else link.removeAttribute("href");
  return item;
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

function since({ state, changed }: Display): string {
  const seconds = (Date.now() - Date.parse(changed)) / 1000;
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? [];
  const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const ago = unit ? format.format(-Math.floor(seconds / length), unit) : "just now";
  return `${state === "running" ? "started" : "ended"} ${ago}`;
}

await openFromAddress();
await refresh();
setInterval(() => {
  if (!document.hidden) void refresh();
}, REFRESH_EVERY);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
