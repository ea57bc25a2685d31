// Text between the clipboard of this computer and the display's.

import type RFB from "@novnc/novnc";
import type { Session } from "../api";
import { element } from "../element";

const SAYS = {
  both: "What is copied there appears here; what you write here can be pasted there.",
  in: "What you write here can be pasted there. What is copied there stays there: the administrator wants it so.",
  out: "What is copied there appears here. Nothing can be pasted there: the administrator wants it so.",
  off: "",
} as const;

export class Clipboard {
  private readonly text = element<HTMLTextAreaElement>("clipboard-text");
  private rfb: RFB | undefined;
  private takes = true;

  constructor() {
    this.text.addEventListener("input", () => this.send(this.text.value));
    element("clipboard-in").addEventListener("click", async () => {
      // Refused by the person or the browser: the text field is there for that.
      const text = await navigator.clipboard.readText().catch(() => undefined);
      if (text !== undefined) this.send(text);
      else this.text.focus();
    });
    element("clipboard-out").addEventListener("click", () => this.keep(this.text.value));
    window.addEventListener("focus", () => void this.takeIfAllowed());
  }

  /** Shows what the display's server allows; it holds to it by itself. */
  allow(policy: Session["clipboard"]): void {
    this.takes = policy === "both" || policy === "in";
    const gives = policy === "both" || policy === "out";
    element("clipboard-says").textContent = SAYS[policy];
    element("clipboard-in").hidden = this.text.readOnly = !this.takes;
    element("clipboard-out").hidden = !gives;
    element("clip").hidden = policy === "off";
  }

  attach(rfb: RFB): void {
    this.rfb = rfb;
    rfb.addEventListener("clipboard", ({ detail: { text } }) => {
      this.text.value = text;
      if (document.hasFocus()) this.keep(text);
    });
    void this.takeIfAllowed();
  }

  /** Coming back to the window, what was copied elsewhere is ready to be pasted; but nobody is asked for permission. */
  private async takeIfAllowed(): Promise<void> {
    if (!this.takes) return;
    const query = { name: "clipboard-read" as PermissionName };
    const permission = await navigator.permissions.query(query).catch(() => undefined);
    if (permission?.state !== "granted" || !document.hasFocus()) return;
    const text = await navigator.clipboard.readText().catch(() => "");
    if (text && text !== this.text.value) this.send(text);
  }

  private send(text: string): void {
    if (this.text.value !== text) this.text.value = text;
    if (this.takes) this.rfb?.clipboardPasteFrom(text);
  }

  private keep(text: string): void {
    // Without permission it stays in the text field, to be copied by hand.
    void navigator.clipboard?.writeText(text).catch(() => undefined);
  }
}
