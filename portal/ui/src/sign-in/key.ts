import { open } from "../api";

/** Opens a session with the key in the address (`#key=…`), if there is one, and takes it out of the address and the history. */
export async function openFromAddress(): Promise<void> {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!key) return;
  history.replaceState(null, "", location.pathname + location.search);
  // A wrong key is told when the server asks for one; no answer is told by the page's badge.
  await open(key).catch(() => undefined);
}
