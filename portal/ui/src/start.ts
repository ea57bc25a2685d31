// The form that starts a session.

import { listServers, startSession } from "./api";
import { element } from "./element";

/** Makes the button open it. */
export function openStartForm(): void {
  const dialog = element<HTMLDialogElement>("start");
  const form = dialog.querySelector("form") as HTMLFormElement;
  const error = dialog.querySelector(".error") as HTMLElement;
  const button = dialog.querySelector("button[type=submit]") as HTMLButtonElement;
  const value = (name: string) => element<HTMLInputElement | HTMLSelectElement>(`start-${name}`).value.trim();
  element("new").addEventListener("click", () => {
    error.textContent = "";
    dialog.showModal();
    void offerServers();
  });
  dialog.querySelector(".cancel")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.textContent = "";
    try {
      await startSession({ command: value("command"), name: value("name"), geometry: value("geometry"), server: value("server") || undefined });
      dialog.close();
    } catch (refused) {
      error.textContent = refused instanceof Error ? refused.message : String(refused);
    } finally {
      button.disabled = false;
    }
  });
}

/** A choice where there are several; who does not choose is led to one by the cluster. */
async function offerServers(): Promise<void> {
  const servers = await listServers().catch(() => []);
  const select = element<HTMLSelectElement>("start-server");
  const chosen = select.value;
  const options = servers
    .filter((server) => server.newSessions)
    .map((server) => new Option(`${server.hostname || server.serverId} (${server.sessions} running)`, server.serverId));
  select.replaceChildren(new Option("chosen for me", ""), ...options);
  select.value = options.some((option) => option.value === chosen) ? chosen : "";
  element("start-where").hidden = servers.length < 2;
}
