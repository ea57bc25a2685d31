import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { endSession, type Session } from "../api";
import { told } from "../told";

/** Milliseconds in which the second click counts. */
const THINK = 4000;

/** The first click asks, the second does it. */
export function End({ session }: { session: Session }) {
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [why, setWhy] = useState("");
  const over = session.state === "ended";
  useEffect(() => {
    if (!asked) return;
    const timer = setTimeout(() => setAsked(false), THINK);
    return () => clearTimeout(timer);
  }, [asked]);

  async function end() {
    if (!over && !asked) return setAsked(true);
    setAsked(false);
    setBusy(true);
    // Done, it is on no list any more, or on it as one that ended.
    setWhy(await endSession(session.id).then(() => "", told));
    setBusy(false);
  }

  const verb = over ? "Forget" : "End";
  return (
    <>
      <Button
        className="end"
        variant={asked ? "filled" : "default"}
        color={asked ? "red" : undefined}
        disabled={busy}
        aria-label={asked ? `Really end ${session.name}?` : `${verb} ${session.name}`}
        onClick={() => void end()}
      >
        {asked ? "Really end?" : verb}
      </Button>
      {why && (
        <span className="error" role="alert">
          {why}
        </span>
      )}
    </>
  );
}
