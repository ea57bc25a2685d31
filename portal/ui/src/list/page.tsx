// My sessions, live.

import { Button, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { logout } from "../api";
import { SignIn } from "../sign-in/dialog";
import { Start } from "../start/dialog";
import { Card } from "./card";
import { type Followed, useSessions } from "./follow";
import { inOrder, matches } from "./session";

/** How often the ages are written anew, in milliseconds. */
const AGES_EVERY = 10_000;
/** With more, one looks for one's own by words. */
const MANY = 6;

export function Page() {
  const { about, sessions, badge, known, wanted } = useSessions();
  const [starting, setStarting] = useState(false);
  const [words, setWords] = useState("");
  const now = useNow();
  const all = inOrder(sessions.values());
  const shown = sessions.size > MANY ? all.filter((session) => matches(session, words.trim())) : all;
  return (
    <>
      <Top about={about} badge={badge} start={() => setStarting(true)} />
      <main>
        {sessions.size > MANY && (
          <TextInput
            id="find"
            type="search"
            mb="sm"
            aria-label="Find a session"
            placeholder={`Find one of ${sessions.size} sessions`}
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
          />
        )}
        <ul id="sessions" aria-label="My sessions">
          {about && shown.map((session) => <Card key={session.id} session={session} about={about} now={now} />)}
        </ul>
        {known && shown.length === 0 && (
          <p id="empty">{sessions.size === 0 ? "No session runs. Start one." : "No session is called so."}</p>
        )}
        {about?.role === "admin" && (
          <nav id="administration" aria-label="Administration">
            <a href="balance.html">Which server is chosen</a>
          </nav>
        )}
      </main>
      {starting && <Start close={() => setStarting(false)} />}
      {wanted && <SignIn done={wanted} />}
    </>
  );
}

function Top({ about, badge, start }: Pick<Followed, "about" | "badge"> & { start: () => void }) {
  async function out() {
    await logout().catch(() => undefined);
    location.reload();
  }
  return (
    <header className="top">
      <img src="icon.svg" alt="" width="32" height="32" />
      <h1>
        Sessions <span id="server">{about?.server}</span>
      </h1>
      <output id="badge" className="badge" data-state={badge.tone} title={badge.why}>
        {badge.text}
      </output>
      {about?.login != null && (
        <Button id="out" variant="default" title={`You are ${about.login}`} onClick={() => void out()}>
          Sign out
        </Button>
      )}
      <Button id="new" onClick={start}>
        Start
      </Button>
    </header>
  );
}

/** The time, now and then; not while nobody looks. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, AGES_EVERY);
    return () => clearInterval(timer);
  }, []);
  return now;
}
