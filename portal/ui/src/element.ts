/** The element with this id; the page's HTML has it. */
export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

export type Tone = "good" | "wait" | "bad";

export function badge(tone: Tone, text: string): void {
  const badge = element("badge");
  badge.dataset.state = tone;
  if (badge.textContent !== text) badge.textContent = text;
}
