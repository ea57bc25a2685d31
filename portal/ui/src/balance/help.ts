// What the editor knows of functions: their fields while one writes, what is wrong, and what a word means.

import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import type { EditorView, Tooltip } from "@codemirror/view";
import { fieldsOf, INPUT } from "./guide";

export function complete({ state, pos, explicit }: CompletionContext): CompletionResult | null {
  const before = state.sliceDoc(Math.max(0, pos - 200), pos);
  const [, object, begun] = /([\w$.]+?)\??\.(\w*)$/.exec(before) ?? [];
  if (object !== undefined && begun !== undefined) {
    const options = Object.entries(fieldsOf(object)).map(([label, info]) => ({ label, info, type: "property" }));
    return { from: pos - begun.length, options };
  }
  const [word] = /\w+$/.exec(before) ?? [];
  if (!word && !explicit) return null;
  const words = ["input", "const", "return", "throw new Error()", "filter", "console.log()"];
  return { from: pos - (word?.length ?? 0), options: words.map((label) => ({ label })) };
}

/** Where the parser stumbles, and fields that `input` does not have. */
export function problems({ state }: EditorView): Diagnostic[] {
  const found: Diagnostic[] = [];
  syntaxTree(state).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) {
        const end = Math.min(Math.max(to, from + 1), state.doc.length);
        found.push({ from: Math.min(from, end), to: end, severity: "error", message: "This is not JavaScript from here on." });
      }
      if (type.name !== "PropertyName" || node.parent?.name !== "MemberExpression") return;
      const field = state.sliceDoc(from, to);
      if (objectBefore(state, from) !== "input" || Object.hasOwn(INPUT, field)) return;
      found.push({ from, to, severity: "warning", message: `input has no field ${field}. It has ${Object.keys(INPUT).join(", ")}.` });
    },
  });
  return found;
}

/** What a field is, where the pointer rests on it. */
export function explain({ state }: EditorView, at: number): Tooltip | null {
  const { type, from, to } = syntaxTree(state).resolveInner(at, 0);
  if (type.name !== "PropertyName" || at < from || at > to) return null;
  const field = state.sliceDoc(from, to);
  const meaning = fieldsOf(objectBefore(state, from))[field];
  if (!meaning) return null;
  const create = () => {
    const dom = document.createElement("div");
    dom.className = "guide";
    dom.textContent = `${field}: ${meaning}`;
    return { dom };
  };
  return { pos: from, end: to, above: true, create };
}

/** `input.user` of `input.user.login`, if the last name begins at `from`. */
function objectBefore(state: EditorState, from: number): string {
  return /([\w$.]+?)\??\.$/.exec(state.sliceDoc(Math.max(0, from - 200), from))?.[1] ?? "";
}
