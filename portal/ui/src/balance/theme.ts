// The editor in the colours of the page; custom properties reach into its shadow tree.

import { HighlightStyle } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export const theme = (dark: boolean): Extension =>
  EditorView.theme(
    {
      "&": { backgroundColor: "var(--front)", color: "var(--text)", fontSize: "0.875rem" },
      "&.cm-focused": { outline: "2px solid var(--accent)" },
      ".cm-scroller": { fontFamily: "ui-monospace, monospace", minHeight: "14rem", maxHeight: "32rem" },
      ".cm-content": { caretColor: "var(--text)" },
      ".cm-gutters": { backgroundColor: "var(--front)", color: "var(--soft)", border: "none" },
      ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 8%, transparent)" },
      ".cm-tooltip": { backgroundColor: "var(--back)", color: "var(--text)", border: "1px solid var(--line)" },
      ".cm-tooltip.guide": { padding: "0.3rem 0.6rem", maxWidth: "26rem", whiteSpace: "pre-wrap" },
    },
    { dark },
  );

export const darkHighlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "#c4a7f5" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "#8fd19e" },
  { tag: [tags.number, tags.bool, tags.null], color: "#f2b880" },
  { tag: [tags.propertyName, tags.definition(tags.variableName)], color: "#8ec5ff" },
  { tag: tags.comment, color: "#98a4af" },
]);
