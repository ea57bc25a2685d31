// Coming in: with the portal key from the address (`#key=…`), by name and what the server asks for it, or by another site.

import { type Step, login, open, ways } from "../api";
import { make } from "./make";
import { askQuestions } from "./questions";
import { askWho } from "./who";

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
  asking ??= converse().finally(() => {
    asking = undefined;
  });
  return asking;
}

async function converse(): Promise<void> {
  const dialog = make("dialog", { className: "sheet", id: "key", ariaLabel: "Sign in" });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  // A server of another version, or one that is away, says no ways: name and password are always asked for.
  const known = await ways().catch(() => ({ ways: [] }));
  let refused = "";
  for (;;) {
    let step: Step = await askWho(dialog, known.ways, refused, ({ way, name, secret }) =>
      name ? login(way, name, secret) : open(secret.replace(/^.*#key=/, "")),
    );
    try {
      while (step.state === "keyboard-interactive") step = await askQuestions(dialog, step);
      break;
    } catch (error) {
      // The conversation is over: it begins anew.
      refused = error instanceof Error ? error.message : String(error);
    }
  }
  dialog.remove();
}
