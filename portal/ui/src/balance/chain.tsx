// The functions in their order, and the one that is being edited.

import { lazy, Suspense, useState } from "react";
import type { Template } from "./api";
import { changed, type Draft, drafted, free, moved } from "./draft";

const Editor = lazy(() => import("./editor"));

const BLANK = `function (input) {
  // Return the serverId of one, some of input.servers, or nothing.
  return input.servers;
}
`;

interface Props {
  draft: Draft;
  templates: Template[];
  edit(change: (draft: Draft) => Draft): void;
}

export function Chain({ draft, templates, edit }: Props) {
  const [chosen, setChosen] = useState<number>();
  const [dragged, setDragged] = useState<number>();
  const [heard, setHeard] = useState("");
  const { functions } = draft;
  const current = functions.find(({ id }) => id === chosen) ?? functions[0];

  function move(from: number, to: number) {
    if (to < 0 || to >= functions.length) return;
    edit((draft) => moved(draft, from, to));
    setHeard(`${functions[from]?.name} is now at place ${to + 1} of ${functions.length}.`);
  }

  function add(name: string) {
    const shipped = templates.find((template) => template.name === name);
    const source = shipped?.source ?? BLANK;
    const made = drafted({ name: free(shipped?.name ?? "mine", functions.map(({ name }) => name)), source, enabled: true });
    edit((draft) => ({ ...draft, functions: [...draft.functions, made] }));
    setChosen(made.id);
  }

  return (
    <section aria-labelledby="chain-title">
      <h2 id="chain-title">Chain</h2>
      <p className="hint">
        Each function is offered what the one before it left, until one names a server.
        {functions.length === 0 && " Without functions, the server with the fewest sessions is taken."}
      </p>
      <ol id="chain">
        {functions.map((planned, at) => (
          <li
            key={planned.id}
            draggable
            data-over={(dragged !== undefined && dragged !== at) || undefined}
            onDragStart={() => setDragged(at)}
            onDragEnd={() => setDragged(undefined)}
            onDragOver={(event) => event.preventDefault()}
            onDrop={() => dragged !== undefined && move(dragged, at)}
          >
            <input
              type="checkbox"
              checked={planned.enabled}
              aria-label={`${planned.name} takes part`}
              onChange={(event) => {
                const enabled = event.target.checked;
                edit((draft) => changed(draft, planned.id, { enabled }));
              }}
            />
            <button
              type="button"
              className="function"
              aria-pressed={planned === current}
              title="Alt+↑ and Alt+↓ move it"
              onClick={() => setChosen(planned.id)}
              onKeyDown={(event) => {
                const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
                if (!event.altKey || !step) return;
                event.preventDefault();
                move(at, at + step);
              }}
            >
              {planned.name}
            </button>
            <button type="button" aria-label={`Move ${planned.name} up`} disabled={at === 0} onClick={() => move(at, at - 1)}>
              ↑
            </button>
            <button
              type="button"
              aria-label={`Move ${planned.name} down`}
              disabled={at === functions.length - 1}
              onClick={() => move(at, at + 1)}
            >
              ↓
            </button>
            <button
              type="button"
              aria-label={`Take ${planned.name} out`}
              onClick={() => edit((draft) => ({ ...draft, functions: draft.functions.filter(({ id }) => id !== planned.id) }))}
            >
              ✕
            </button>
          </li>
        ))}
      </ol>
      <p className="quiet" role="status">
        {heard}
      </p>
      <label>
        Add{" "}
        <select id="add" value="" onChange={(event) => add(event.target.value)}>
          <option value="" disabled>
            a function…
          </option>
          <option value="blank">empty</option>
          {templates.map(({ name, about }) => (
            <option key={name} value={name}>
              {name}: {about}
            </option>
          ))}
        </select>
      </label>
      {current && (
        <div className="function-editor">
          <label>
            Name{" "}
            <input
              id="function-name"
              value={current.name}
              maxLength={64}
              onChange={(event) => {
                const name = event.target.value;
                edit((draft) => changed(draft, current.id, { name }));
              }}
            />
          </label>
          <Suspense fallback={<p className="hint">The editor is loading…</p>}>
            <Editor
              key={current.id}
              source={current.source}
              label="JavaScript of the function"
              onChange={(source) => edit((draft) => changed(draft, current.id, { source }))}
            />
          </Suspense>
        </div>
      )}
    </section>
  );
}
