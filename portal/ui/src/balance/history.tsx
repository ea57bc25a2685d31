// Who saved what and when, and the way back.

import { useState } from "react";
import { type ActionName, rollback, type Saved, told } from "./api";

interface Props {
  action: ActionName;
  saved: Saved[];
  /** What is not saved would be lost. */
  isClean: boolean;
  done(): Promise<void>;
}

export function History({ action, saved, isClean, done }: Props) {
  const [wrong, setWrong] = useState("");

  async function goBack(version: number) {
    setWrong("");
    try {
      await rollback(action, version);
      await done();
    } catch (error) {
      setWrong(told(error));
    }
  }

  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      {saved.length === 0 && <p className="hint">Nothing was saved yet.</p>}
      {wrong && (
        <p className="error" role="alert">
          {wrong}
        </p>
      )}
      <ol id="history" reversed>
        {saved.toReversed().map(({ version, by, at, rollback: back, overridden, plan }, newest) => (
          <li key={version}>
            <strong>{version}</strong>
            <span className="case">
              <span>
                {plan.functions.map(({ name, enabled }) => (enabled ? name : `(${name})`)).join(" → ") || "no functions"}
                {back !== undefined && `, as version ${back}`}
              </span>
              <span className="hint">
                {by}, {new Date(at).toLocaleString()}
                {overridden && `; although these cases failed: ${overridden.join(", ")}`}
              </span>
            </span>
            {newest > 0 && (
              <button type="button" disabled={!isClean} onClick={() => void goBack(version)}>
                Go back to version {version}
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
