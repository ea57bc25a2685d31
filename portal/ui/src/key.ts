// The portal key: from the address (`#key=…`), or pasted by a person.

import { open } from "./api";

/** Opens a session with the key in the address, if there is one, and takes it out of the address and the history. */
export async function openFromAddress(): Promise<void> {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  history.replaceState(null, "", location.pathname + location.search);
  // A wrong key is told when the server asks for one; no answer is told by the page's badge.
  await open(key).catch(() => undefined);
}

let asking: Promise<void> | undefined;

/** Asks a person for the key until it is right. Asked twice, it is one question. */
export function askForKey(): Promise<void> {
  asking ??= showForm().finally(() => {
    asking = undefined;
  });
  return asking;
}

function showForm(): Promise<void> {
  const make = <K extends keyof HTMLElementTagNameMap>(name: K, properties: object): HTMLElementTagNameMap[K] =>
    Object.assign(document.createElement(name), properties);
  const dialog = make("dialog", { className: "sheet", id: "key" });
  const form = make("form", {});
  const input = make("input", { type: "password", required: true, autocomplete: "off", ariaLabel: "Portal key" });
  const error = make("p", { className: "error", role: "alert" });
  const row = make("div", { className: "row" });
  const button = make("button", { className: "primary", textContent: "Open" });
  const hint = "Paste it here, or open the address that the server printed. It is in the file portal-key in the server's local folder.";
  row.append(button);
  form.append(make("h2", { textContent: "Portal key" }), make("p", { textContent: hint }), input, error, row);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();

  return new Promise((opened) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        await open(input.value.trim().replace(/^.*#key=/, ""));
        dialog.remove();
        opened();
      } catch (refused) {
        error.textContent = refused instanceof Error ? refused.message : String(refused);
        input.select();
      } finally {
        button.disabled = false;
      }
    });
  });
}
