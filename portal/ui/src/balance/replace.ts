// Typing over a selection.

import { EditorView } from "@codemirror/view";

/** Done by the browser it leaves elements with inline styles behind, which the page's policy refuses and reports. */
export const replace = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state, composing } = view;
    const { from, to, empty } = state.selection.main;
    const text = event.data;
    if (event.inputType !== "insertText" || !text || empty || composing) return false;
    const typed = () => state.update(state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    // Closing brackets, for one, go around what is selected.
    const isTaken = state.facet(EditorView.inputHandler).some((take) => take(view, from, to, text, typed));
    if (!isTaken) view.dispatch(typed());
    return true;
  },
});
