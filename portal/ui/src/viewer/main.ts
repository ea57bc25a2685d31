// The page that shows one display.

import type RFB from "@novnc/novnc";
import { badge, element } from "../element";
import { openFromAddress } from "../sign-in/key";
import { Clipboard } from "./clipboard";
import { Connection, type Status } from "./connection";
import { Picture } from "./picture";
import { invited, own, type Seat } from "./seat";
import { offerSharing } from "./sharing";
import { Tools } from "./tools";
import { Typing } from "./typing";

const fit = element<HTMLButtonElement>("fit");
const full = element<HTMLButtonElement>("full");
const clipboard = new Clipboard();
const tools = new Tools();
new Typing(tools.press);
let rfb: RFB | undefined;
let onlyLooks = false;

function status(status: Status): void {
  document.body.dataset.status = status.is;
  switch (status.is) {
    case "connected": {
      const { milliseconds, server } = status;
      element("badge").title = `Through the gateway to ${server ?? "this page's server"}`;
      const time = milliseconds ? `connected ${Math.max(1, Math.round(milliseconds))} ms` : "connected";
      return badge("good", server === undefined ? time : `${time} · ${server}`);
    }
    case "ended":
      element("notice").hidden = false;
      (element("notice").querySelector("p") as HTMLElement).textContent = status.why;
      return badge("bad", "ended");
    default:
      return badge("wait", `${status.is}…`);
  }
}

function connected(connection: RFB): void {
  rfb = connection;
  rfb.scaleViewport = true;
  rfb.viewOnly = onlyLooks;
  rfb.resizeSession = !onlyLooks && resizes();
  rfb.background = "transparent";
  clipboard.attach(rfb);
  tools.attach(rfb);
  // A person may be in the clipboard sheet, or on a phone's keyboard.
  if (document.activeElement === document.body) rfb.focus({ preventScroll: true });
}

// Resize the display to the window: kept for the next time. A phone would leave the programs no room, so it scales.
const resizes = () => (localStorage.getItem("resize") ?? (innerWidth < 640 ? "no" : "yes")) === "yes";
const showFit = () => fit.setAttribute("aria-pressed", String(resizes()));
fit.addEventListener("click", () => {
  localStorage.setItem("resize", resizes() ? "no" : "yes");
  showFit();
  if (rfb) rfb.resizeSession = resizes();
});
showFit();

// Full screen, with the keys that the browser would keep for itself (where it lets them go).
interface KeyboardLock {
  keyboard?: { lock(): Promise<void>; unlock(): void };
}
const { keyboard } = navigator as KeyboardLock;
full.addEventListener("click", async () => {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen({ navigationUI: "hide" }).catch(() => undefined);
  rfb?.focus();
});
document.addEventListener("fullscreenchange", () => {
  const on = document.fullscreenElement !== null;
  full.setAttribute("aria-pressed", String(on));
  if (on) void keyboard?.lock().catch(() => undefined);
  else keyboard?.unlock();
});
full.hidden = !document.fullscreenEnabled;

// The display takes every key; this combination leads back to the bar.
element("bar").title = "Ctrl+Alt+Shift+M brings the keyboard here";
window.addEventListener(
  "keydown",
  (event) => {
    if (!(event.ctrlKey && event.altKey && event.shiftKey && event.code === "KeyM")) return;
    event.preventDefault();
    event.stopPropagation();
    element("back").focus();
  },
  { capture: true },
);

await new Connection(await seat(), new Picture(), {
  status,
  connected,
  named: (name, policy) => {
    element("name").textContent = document.title = name;
    clipboard.allow(policy);
    if (onlyLooks) element("clip").hidden = true;
  },
}).run();

async function seat(): Promise<Seat> {
  if (location.pathname.endsWith("/share")) return guest(location.hash.slice(1));
  const id = new URLSearchParams(location.search).get("id") ?? "";
  await openFromAddress();
  offerSharing(id);
  // Links for guests are made on the page of the session's own server.
  return own(id, () => {
    element("share").hidden = true;
  });
}

/** A guest has no list to go back to, and, who only looks, nothing to type with; the server holds them to it. */
function guest(token: string): Seat {
  for (const link of document.querySelectorAll<HTMLElement>('a[href="./"]')) link.hidden = true;
  return invited(token, (mode) => {
    onlyLooks = mode === "view";
    for (const id of ["fit", "type", "clip", "keys"]) element(id).hidden = onlyLooks;
  });
}
