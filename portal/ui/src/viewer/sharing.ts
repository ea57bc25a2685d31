// The sheet where an owner makes links for guests, sees who looks by them, and ends them.

import { endShare, listShares, type Share, share } from "../api";
import { element } from "../element";

const LOOK_EVERY = 2000;

export function offerSharing(id: string): void {
  const sheet = element("sharing");
  const error = sheet.querySelector(".error") as HTMLElement;
  const link = element<HTMLInputElement>("share-link");
  let timer: ReturnType<typeof setInterval> | undefined;
  const tried = (what: Promise<unknown>) =>
    what.then(
      () => {
        error.textContent = "";
      },
      (refused: unknown) => {
        error.textContent = refused instanceof Error ? refused.message : String(refused);
      },
    );
  const show = async () => {
    const all = await listShares(id);
    element("shares").replaceChildren(...all.map((one) => line(one, () => tried(endShare(id, one.id).then(show)))));
  };
  sheet.addEventListener("toggle", (event) => {
    clearInterval(timer);
    if ((event as ToggleEvent).newState !== "open") return;
    link.hidden = true;
    void tried(show());
    timer = setInterval(() => void tried(show()), LOOK_EVERY);
  });
  element("share-make").addEventListener("click", () => {
    const mode = element<HTMLSelectElement>("share-mode").value as Share["mode"];
    const expires = Number(element<HTMLSelectElement>("share-expires").value);
    const made = share(id, mode, expires).then(async ({ url }) => {
      link.value = new URL(url, location.origin).href;
      link.hidden = false;
      link.select();
      await navigator.clipboard?.writeText(link.value).catch(() => undefined);
      await show();
    });
    void tried(made);
  });
  element("share").hidden = false;
}

function line({ mode, expires, connected }: Share, end: () => void): HTMLLIElement {
  const item = document.createElement("li");
  const until = new Date(expires).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const what = mode === "view" ? "looks" : "works";
  const text = document.createElement("span");
  text.textContent = `${connected === 1 ? "one guest" : `${connected} guests`} · ${what} · until ${until}`;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "End";
  button.addEventListener("click", end);
  item.append(text, button);
  return item;
}
