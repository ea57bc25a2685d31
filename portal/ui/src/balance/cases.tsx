// What must come out right before the chain is saved.

import { useEffect, useState } from "react";
import { type Case, test, told, type Trace } from "./api";
import { type Draft, planOf } from "./draft";

interface Props {
  draft: Draft;
  edit(change: (draft: Draft) => Draft): void;
}

/** By the name of the case; undefined is "not run". */
type Verdicts = Record<string, { passed: boolean; got: string }>;

export function Cases({ draft, edit }: Props) {
  const [verdicts, setVerdicts] = useState<Verdicts>({});
  // They were of another chain.
  useEffect(() => setVerdicts({}), [draft.functions]);

  async function runAll() {
    const plan = planOf(draft);
    setVerdicts({});
    for (const { name, request, servers, moment, expect } of draft.cases) {
      const trace = await test({ plan, request, servers, moment }).catch(
        (error: unknown): Trace => ({ error: { code: "", message: told(error) }, notOffered: {}, steps: [] }),
      );
      const verdict = { passed: allows(expect, trace), got: trace.serverId ?? trace.error?.message ?? "" };
      setVerdicts((before) => ({ ...before, [name]: verdict }));
    }
  }

  return (
    <section aria-labelledby="cases-title">
      <h2 id="cases-title">Cases</h2>
      <p className="hint">
        All of them are run before a chain is saved; one that fails keeps it from being saved.
        {draft.cases.length === 0 && " There are none. Try the chain on servers of your own, and keep what came out."}
      </p>
      <ul id="cases">
        {draft.cases.map((one) => {
          const verdict = verdicts[one.name];
          return (
            <li key={one.name}>
              <span className="badge" data-state={verdict ? (verdict.passed ? "good" : "bad") : undefined}>
                {verdict ? (verdict.passed ? "passes" : "fails") : "not run"}
              </span>
              <span className="case">
                <strong>{one.name}</strong>
                <span className="hint">
                  {one.request.user.login} on {one.servers.length} servers: {expected(one)}
                  {verdict && !verdict.passed && `; got ${verdict.got}`}
                </span>
              </span>
              <button
                type="button"
                aria-label={`Remove the case ${one.name}`}
                onClick={() => edit((draft) => ({ ...draft, cases: draft.cases.filter(({ name }) => name !== one.name) }))}
              >
                ✕
              </button>
            </li>
          );
        })}
      </ul>
      {draft.cases.length > 0 && (
        <button type="button" id="run-cases" onClick={() => void runAll()}>
          Run all cases
        </button>
      )}
    </section>
  );
}

const expected = ({ expect }: Case): string => ("oneOf" in expect ? expect.oneOf.join(" or ") : `an error with “${expect.error}”`);

function allows(expect: Case["expect"], { serverId, error }: Trace): boolean {
  if ("oneOf" in expect) return serverId !== undefined && expect.oneOf.includes(serverId);
  return error?.message.includes(expect.error) ?? false;
}
