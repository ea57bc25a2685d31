// The sheet with keys that a phone does not have, or that the browser keeps for itself, and how good the picture is.

import type RFB from "@novnc/novnc";
import { element } from "../element";

/** X11 keysym (X Window System Protocol, appendix A), and the key's place on a keyboard, as browsers call it. */
interface Key {
  label: string;
  keysym: number;
  code: string | null;
}

const key = (label: string, keysym: number, code: string): Key => ({ label, keysym, code });
const CTRL = key("Ctrl", 0xffe3, "ControlLeft");
const ALT = key("Alt", 0xffe9, "AltLeft");
const DELETE = key("Del", 0xffff, "Delete");
/** Held for the next key, and let go with it. */
const LATCHES = [CTRL, ALT, key("Shift", 0xffe1, "ShiftLeft"), key("Super", 0xffeb, "MetaLeft")];
const KEYS = [
  key("Esc", 0xff1b, "Escape"),
  key("Tab", 0xff09, "Tab"),
  key("Enter", 0xff0d, "Enter"),
  DELETE,
  key("←", 0xff51, "ArrowLeft"),
  key("↑", 0xff52, "ArrowUp"),
  key("↓", 0xff54, "ArrowDown"),
  key("→", 0xff53, "ArrowRight"),
  key("Home", 0xff50, "Home"),
  key("End", 0xff57, "End"),
  key("PgUp", 0xff55, "PageUp"),
  key("PgDn", 0xff56, "PageDown"),
  ...Array.from({ length: 12 }, (_, at) => key(`F${at + 1}`, 0xffbe + at, `F${at + 1}`)),
];
/** How good a JPEG, and how small everything, from 0 to 9; noVNC itself takes 6 and 2. */
const QUALITIES = { best: [9, 0], usual: [6, 2], small: [2, 9] } as const;

export class Tools {
  private rfb: RFB | undefined;
  private readonly latched = new Map<Key, HTMLButtonElement>();
  private readonly quality = element<HTMLSelectElement>("quality");

  constructor() {
    element("latches").append(...LATCHES.map((key) => this.latch(key)));
    const all = button("Ctrl+Alt+Del", () => this.strike(DELETE, [CTRL, ALT]));
    all.className = "wide";
    element("presses").append(...KEYS.map((key) => button(key.label, () => this.press(key.keysym, key.code))), all);
    const kept = localStorage.getItem("quality") ?? "";
    this.quality.value = kept in QUALITIES ? kept : "usual";
    this.quality.addEventListener("change", () => {
      localStorage.setItem("quality", this.quality.value);
      this.show();
    });
  }

  attach(rfb: RFB): void {
    this.rfb = rfb;
    this.show();
  }

  /** Strikes a key, with those that are held for it. */
  readonly press = (keysym: number, code: string | null): void => {
    const held = [...this.latched.keys()];
    for (const one of this.latched.values()) one.setAttribute("aria-pressed", "false");
    this.latched.clear();
    this.strike({ label: "", keysym, code }, held);
  };

  private strike({ keysym, code }: Key, held: Key[]): void {
    for (const one of held) this.rfb?.sendKey(one.keysym, one.code, true);
    this.rfb?.sendKey(keysym, code);
    for (const one of held.toReversed()) this.rfb?.sendKey(one.keysym, one.code, false);
  }

  private latch(key: Key): HTMLButtonElement {
    const made = button(key.label, () => {
      if (!this.latched.delete(key)) this.latched.set(key, made);
      made.setAttribute("aria-pressed", String(this.latched.has(key)));
    });
    made.setAttribute("aria-pressed", "false");
    return made;
  }

  private show(): void {
    if (!this.rfb) return;
    const [quality, compression] = QUALITIES[this.quality.value as keyof typeof QUALITIES];
    this.rfb.qualityLevel = quality;
    this.rfb.compressionLevel = compression;
  }
}

function button(label: string, pressed: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", pressed);
  return made;
}
