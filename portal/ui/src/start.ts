// The form that starts a session.

import { startSession } from "./api";
import { element } from "./element";

/** Makes the button open it. */
export function openStartForm(): void {
  const dialog = element<HTMLDialogElement>("start");
  const form = dialog.querySelector("form") as HTMLFormElement;
  const error = dialog.querySelector(".error") as HTMLElement;
  const button = dialog.querySelector("button[type=submit]") as HTMLButtonElement;
  const value = (name: string) => element<HTMLInputElement>(`start-${name}`).value.trim();
  element("new").addEventListener("click", () => {
    error.textContent = "";
    dialog.showModal();
  });
  dialog.querySelector(".cancel")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.textContent = "";
    try {
      await startSession({ command: value("command"), name: value("name"), geometry: value("geometry") });
      dialog.close();
    } catch (refused) {
      error.textContent = refused instanceof Error ? refused.message : String(refused);
    } finally {
      button.disabled = false;
    }
  });
}
