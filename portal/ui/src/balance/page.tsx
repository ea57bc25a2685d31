// One page for both actions: the chain, a trial of it, its cases, its history.

import { useCallback, useEffect, useState } from "react";
import { ACTIONS, type ActionName, Refused, type Saved, save, server, type Template, templates, told, versions } from "./api";
import { Cases } from "./cases";
import { Chain } from "./chain";
import { type Draft, draftOf, EMPTY, planOf } from "./draft";
import { History } from "./history";
import { Trial } from "./trial";

const LABELS: Record<ActionName, string> = { "session-start": "Session starts", "user-login": "Logins" };

export function Page() {
  const [action, setAction] = useState<ActionName>("session-start");
  const [known, setKnown] = useState<{ server: string; templates: Template[] }>();
  const [saved, setSaved] = useState<Saved[]>([]);
  const [draft, setDraft] = useState<Draft>();
  const [dirty, setDirty] = useState(false);
  const [said, setSaid] = useState<{ bad: boolean; text: string; mayOverride?: boolean }>();
  const version = saved.at(-1)?.version ?? 0;

  const load = useCallback(async (action: ActionName) => {
    try {
      const [all, name, shipped] = await Promise.all([versions(action), server(), templates()]);
      setSaved(all);
      setKnown({ server: name, templates: shipped });
      setDraft(draftOf(all.at(-1)?.plan ?? EMPTY));
      setDirty(false);
    } catch (error) {
      // The first page asks who one is.
      if (error instanceof Refused && error.status === 401) location.assign("./");
      setSaid({ bad: true, text: told(error) });
    }
  }, []);

  useEffect(() => void load(action), [load, action]);
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (dirty) addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [dirty]);

  const edit = useCallback((change: (draft: Draft) => Draft) => {
    setDraft((draft) => draft && change(draft));
    setDirty(true);
    setSaid(undefined);
  }, []);

  async function keep(anyway: boolean) {
    if (!draft) return;
    try {
      const now = await save(action, planOf(draft), version, anyway);
      await load(action);
      setSaid({ bad: false, text: `Saved as version ${now.version}. It counts in the whole cluster from now on.` });
    } catch (error) {
      const mayOverride = error instanceof Refused && error.status === 422 && error.message.includes("cases fail");
      setSaid({ bad: true, text: told(error), mayOverride });
    }
  }

  return (
    <>
      <header className="top">
        <a className="button" href="./" title="Sessions">
          ← Sessions
        </a>
        <h1>Choosing a server</h1>
        <span className="badge" data-state={dirty ? "wait" : "good"}>
          {dirty ? "not saved" : version ? `version ${version}` : "nothing saved yet"}
        </span>
        <button type="button" className="primary" id="save" disabled={!dirty} onClick={() => void keep(false)}>
          Save
        </button>
      </header>
      <main>
        <div className="actions" role="group" aria-label="Action">
          {ACTIONS.map((one) => (
            <button key={one} type="button" aria-pressed={one === action} disabled={dirty && one !== action} onClick={() => setAction(one)}>
              {LABELS[one]}
            </button>
          ))}
        </div>
        <p id="said" role="status" data-bad={said?.bad || undefined}>
          {said?.text}
          {said?.mayOverride && (
            <button type="button" onClick={() => void keep(true)}>
              Save all the same (it is logged)
            </button>
          )}
        </p>
        {draft && known && (
          <>
            <Chain draft={draft} templates={known.templates} edit={edit} />
            <Trial key={action} action={action} draft={draft} server={known.server} edit={edit} />
            <Cases draft={draft} edit={edit} />
            <History action={action} saved={saved} isClean={!dirty} done={() => load(action)} />
          </>
        )}
      </main>
    </>
  );
}
