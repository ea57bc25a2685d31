// The first form: a name and a password, or the portal's key; and the ways over other sites.

import type { Step, Way } from "../api";
import { labelled, make } from "./make";

export interface Who {
  /** The way that was chosen; undefined: the server's first. */
  way: string | undefined;
  name: string;
  secret: string;
}

const HINT = "Without a name of your own: leave it empty, and paste the portal key. The server has it in the file portal-key in its local folder.";

/** Fills the dialog, and returns what the server says when it does not refuse. */
export function askWho(dialog: HTMLDialogElement, ways: Way[], refused: string, send: (who: Who) => Promise<Step>): Promise<Step> {
  const form = make("form", {});
  const name = make("input", { id: "key-name", autocomplete: "username", spellcheck: false });
  const secret = make("input", { type: "password", id: "key-password", required: true, autocomplete: "current-password" });
  // Whoever has a name may leave it to the server to ask for what it wants.
  name.addEventListener("input", () => {
    secret.required = !name.value;
  });
  const error = make("p", { className: "error", role: "alert", textContent: refused });
  const button = make("button", { className: "primary", textContent: "Sign in" });
  const row = make("div", { className: "row" });
  row.append(button, ...ways.filter((way) => way.kind === "redirect").map(link));
  const choice = choose(ways.filter((way) => way.kind === "form"));
  const fields = [labelled("Name", name), labelled("Password", secret), ...(choice ? [labelled("Account", choice)] : [])];
  form.append(make("h2", { textContent: "Sign in" }), ...fields, make("p", { textContent: HINT }), error, row);
  dialog.replaceChildren(form);
  name.focus();

  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      error.textContent = "";
      try {
        done(await send({ way: choice?.value, name: name.value.trim(), secret: secret.value }));
      } catch (no) {
        error.textContent = no instanceof Error ? no.message : String(no);
        secret.select();
      } finally {
        button.disabled = false;
      }
    });
  });
}

/** None where there is nothing to choose. */
function choose(forms: Way[]): HTMLSelectElement | undefined {
  if (forms.length < 2) return undefined;
  const select = make("select", { id: "key-way" });
  select.append(...forms.map((way) => make("option", { value: way.id, textContent: way.label })));
  return select;
}

function link(way: Way): HTMLAnchorElement {
  return make("a", { className: "button", href: `api/login/${way.id.replace(":", "/")}`, textContent: way.label });
}
