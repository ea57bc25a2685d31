// The editor of one function; a chunk of its own, because it is larger than everything else on the page.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, defaultHighlightStyle, indentOnInput, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import { javascriptLanguage } from "@codemirror/lang-javascript";
import { lintGutter, linter } from "@codemirror/lint";
import { EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { complete, explain, problems } from "./help";
import { replace } from "./replace";
import { darkHighlight, theme } from "./theme";

interface Props {
  /** Read once: another function is another editor. */
  source: string;
  label: string;
  onChange(source: string): void;
}

/** A function without a name is an expression, and no statement. */
const language = new LanguageSupport(javascriptLanguage.configure({ top: "SingleExpression" }));

export default function Editor({ source, label, onChange }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  useEffect(() => {
    if (!place.current) return;
    // In a shadow tree CodeMirror adopts its style sheets; in the page it would write <style>, which the policy refuses.
    const root = place.current.shadowRoot ?? place.current.attachShadow({ mode: "open" });
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const view = new EditorView({
      doc: source,
      parent: root,
      root,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        replace,
        highlightActiveLine(),
        language,
        syntaxHighlighting(isDark ? darkHighlight : defaultHighlightStyle),
        autocompletion({ override: [complete] }),
        hoverTooltip(explain),
        linter(problems),
        // Tab is not bound: it leads out of the editor.
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed.current(update.state.doc.toString());
        }),
        theme(isDark),
      ],
    });
    return () => view.destroy();
    // biome-ignore lint/correctness/useExhaustiveDependencies: the document is the editor's own from here on.
  }, []);
  return <div className="editor" ref={place} />;
}
