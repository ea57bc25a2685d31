// Coming in: with the portal key from the address (`#key=…`), or by name and password.

import { login, open } from "./api";

/** Opens a session with the key in the address, if there is one, and takes it out of the address and the history. */
export async function openFromAddress(): Promise<void> {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  history.replaceState(null, "", location.pathname + location.search);
  // A wrong key is told when the server asks for one; no answer is told by the page's badge.
  await open(key).catch(() => undefined);
}

let asking: Promise<void> | undefined;

/** Asks a person who they are until it is right. Asked twice, it is one question. */
export function signIn(): Promise<void> {
  asking ??= showForm().finally(() => {
    asking = undefined;
  });
  return asking;
}

function showForm(): Promise<void> {
  const make = <K extends keyof HTMLElementTagNameMap>(name: K, properties: object): HTMLElementTagNameMap[K] =>
    Object.assign(document.createElement(name), properties);
  const dialog = make("dialog", { className: "sheet", id: "key", ariaLabel: "Sign in" });
  const form = make("form", {});
  const name = make("input", { id: "key-name", autocomplete: "username", spellcheck: false });
  const input = make("input", { type: "password", id: "key-password", required: true, autocomplete: "current-password" });
  const labelled = (text: string, field: HTMLInputElement) => {
    const label = make("label", { textContent: `${text} ` });
    label.append(field);
    return label;
  };
  const error = make("p", { className: "error", role: "alert" });
  const row = make("div", { className: "row" });
  const button = make("button", { className: "primary", textContent: "Sign in" });
  const hint = "Without a name of your own: leave it empty, and paste the portal key. The server has it in the file portal-key in its local folder.";
  row.append(button);
  const fields = [labelled("Name", name), labelled("Password", input)];
  form.append(make("h2", { textContent: "Sign in" }), ...fields, make("p", { textContent: hint }), error, row);
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
        const who = name.value.trim();
        await (who ? login(who, input.value) : open(input.value.trim().replace(/^.*#key=/, "")));
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
