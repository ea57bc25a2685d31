// The on-screen keyboard of a phone or tablet: a text field takes what it writes, and the display gets it as keys.

import { element } from "../element";

/** Something to delete: an empty field would swallow backspaces. */
const FILLED = "\u00a0".repeat(64);
const BACKSPACE = 0xff08;
const RETURN = 0xff0d;

export class Typing {
  private readonly field = element<HTMLTextAreaElement>("typing");
  private before = FILLED;

  /** `press` sends a key to the display. */
  constructor(private readonly press: (keysym: number, code: string | null) => void) {
    element("type").addEventListener("click", () => {
      this.reset();
      this.field.focus();
    });
    this.field.addEventListener("input", () => this.sendDifference());
    this.field.addEventListener("blur", () => this.reset());
  }

  /** Keyboards that guess words rewrite what is there, so compare instead of trusting single events. */
  private sendDifference(): void {
    const [before, after] = [[...this.before], [...this.field.value]];
    let same = 0;
    while (same < before.length && before[same] === after[same]) same++;
    for (let gone = before.length; gone > same; gone--) this.press(BACKSPACE, "Backspace");
    for (const character of after.slice(same)) this.press(keysym(character), null);
    this.before = this.field.value;
    if (after.length < FILLED.length / 2 || after.length > FILLED.length * 4) this.reset();
  }

  private reset(): void {
    this.before = this.field.value = FILLED;
  }
}

/** X11 keysym: Latin-1 is itself, the rest of Unicode has its own range (X Window System Protocol, appendix A). */
function keysym(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code === 10) return RETURN;
  return code < 0x100 ? code : 0x01000000 + code;
}
