// A dry run: what the chain, as it is on the page, would do. Nothing is started.

import { useState } from "react";
import { type ActionName, type Moment, type Trace, type Trial as Tried, test, told, type Wish } from "./api";
import { type Draft, free, planOf } from "./draft";
import { SOME_SERVERS } from "./guide";

interface Props {
  action: ActionName;
  draft: Draft;
  /** The one that is asked. */
  server: string;
  edit(change: (draft: Draft) => Draft): void;
}

const momentNow = (): Moment => ({ now: Date.now(), utcOffset: -60 * new Date().getTimezoneOffset(), seed: 1 });

export function Trial({ action, draft, server, edit }: Props) {
  const [login, setLogin] = useState("alice");
  const [groups, setGroups] = useState("");
  const [data, setData] = useState("{}");
  const [servers, setServers] = useState("");
  const [ran, setRan] = useState<{ trial: Tried; trace: Trace }>();
  const [wrong, setWrong] = useState("");

  async function run() {
    setWrong("");
    setRan(undefined);
    try {
      const request: Wish = {
        action: action.replace("-", "/"),
        user: { login },
        userGroups: groups.split(/[\s,]+/).filter(Boolean),
        isManager: false,
        isAdmin: false,
        local: { serverId: server },
        data: JSON.parse(data || "{}"),
      };
      const given = servers.trim() ? { servers: JSON.parse(servers) as unknown[] } : {};
      const trial = { plan: planOf(draft), request, moment: momentNow(), ...given };
      setRan({ trial, trace: await test(trial) });
    } catch (error) {
      setWrong(told(error));
    }
  }

  function keepAsCase({ trial, trace }: { trial: Tried; trace: Trace }) {
    const expect = trace.serverId === undefined ? { error: trace.error?.message ?? "" } : { oneOf: [trace.serverId] };
    const { request, moment, servers = [] } = trial;
    edit((draft) => {
      const name = free(`${login} ${trace.serverId ? `goes to ${trace.serverId}` : "is told why"}`, draft.cases.map(({ name }) => name));
      return { ...draft, cases: [...draft.cases, { name: name.slice(0, 64), request, servers, moment, expect }] };
    });
  }

  return (
    <section aria-labelledby="trial-title">
      <h2 id="trial-title">Dry run</h2>
      <p className="hint">Decides by what is above, saved or not. Nothing is started.</p>
      <div className="fields">
        <label>
          User <input id="trial-user" value={login} onChange={(event) => setLogin(event.target.value)} />
        </label>
        <label>
          Groups <input id="trial-groups" value={groups} placeholder="chem users" onChange={(event) => setGroups(event.target.value)} />
        </label>
        <label>
          Data (JSON) <input id="trial-data" value={data} spellCheck={false} onChange={(event) => setData(event.target.value)} />
        </label>
      </div>
      <label>
        Servers (JSON; empty: those of the cluster)
        <textarea id="trial-servers" rows={servers ? 6 : 2} value={servers} spellCheck={false} onChange={(event) => setServers(event.target.value)} />
      </label>
      <div className="row">
        <button type="button" id="run" className="primary" onClick={() => void run()}>
          Try
        </button>
        <button type="button" id="sample" onClick={() => setServers(JSON.stringify(SOME_SERVERS, null, 1))}>
          Put in some servers
        </button>
      </div>
      <div role="status">
        {wrong && <p className="error">{wrong}</p>}
        {ran && <Steps trace={ran.trace} />}
        {ran?.trial.servers && (
          <button type="button" id="keep-case" onClick={() => keepAsCase(ran)}>
            Keep this as a case
          </button>
        )}
      </div>
    </section>
  );
}

function Steps({ trace }: { trace: Trace }) {
  const left = Object.entries(trace.notOffered).map(([why, count]) => `${count} ${why}`);
  return (
    <div id="trace">
      <p>
        {trace.serverId === undefined ? <span className="error">{trace.error?.message}</span> : <strong>Chosen: {trace.serverId}</strong>}
        {left.length > 0 && <span className="hint"> Not offered: {left.join(", ")}.</span>}
      </p>
      <div className="wide" tabIndex={0} role="region" aria-label="What each function did">
        <table>
          <thead>
            <tr>
              <th>Function</th>
              <th>Servers in</th>
              <th>out</th>
              <th>ms</th>
              <th>What it did</th>
            </tr>
          </thead>
          <tbody>
            {trace.steps.map((step) => (
              <tr key={step.function}>
                <td>{step.function}</td>
                <td>{step.offered}</td>
                <td>{step.left}</td>
                <td>{step.tookMs.toFixed(1)}</td>
                <td>
                  {step.said}
                  {step.console.length > 0 && <pre>{step.console.map(({ text }) => text).join("\n")}</pre>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
