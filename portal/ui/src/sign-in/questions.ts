// What a server asks besides a password: a code, a new password. The texts are the server's.

import { type Asked, type Prompt, type Step, answer } from "../api";
import { labelled, make } from "./make";

/** Fills the dialog, and returns what the server says to the answers. */
export function askQuestions(dialog: HTMLDialogElement, asked: Asked): Promise<Step> {
  const form = make("form", {});
  const fields = asked.prompts.map(field);
  const button = make("button", { className: "primary", textContent: "Continue" });
  const over = make("button", { type: "button", textContent: "Start over" });
  const row = make("div", { className: "row" });
  row.append(button, over);
  const labels = fields.map((field, at) => labelled(asked.prompts[at]?.text.replace(/:?\s*$/, "") || "Answer", field));
  form.append(make("h2", { textContent: "Sign in" }), make("p", { id: "key-message", textContent: asked.message ?? "" }), ...labels, row);
  dialog.replaceChildren(form);
  (fields[0] ?? button).focus();

  return new Promise((done, refused) => {
    over.addEventListener("click", () => refused(new Error("")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      button.disabled = true;
      answer(asked.conversation, fields.map((field) => field.value)).then(done, refused);
    });
  });
}

function field(prompt: Prompt): HTMLInputElement {
  const isNew = /\bnew\b/i.test(prompt.text);
  const isCode = /code|otp|one-time|token/i.test(prompt.text);
  const autocomplete = isNew ? "new-password" : isCode ? "one-time-code" : prompt.echo ? "off" : "current-password";
  return make("input", { type: prompt.echo ? "text" : "password", autocomplete, spellcheck: false });
}
