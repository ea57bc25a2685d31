// Coming in: by name and what the server asks for it, with the portal key, or by another site.

import { useEffect, useState } from "react";
import { type Asked, type Step, type Way, ways } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";
import { Questions } from "./questions";
import { Who } from "./who";

/** Asks a person who they are until it is right. */
export function SignIn({ done }: { done: () => void }) {
  const [known, setKnown] = useState<Way[]>();
  const [asked, setAsked] = useState<Asked>();
  const [refused, setRefused] = useState("");
  useEffect(() => {
    // A server of another version, or one that is away, says no ways: name and password are always asked for.
    ways().then(
      ({ ways }) => setKnown(ways),
      () => setKnown([]),
    );
  }, []);
  if (!known) return null;

  const next = (step: Step) => (step.state === "success" ? done() : setAsked(step));
  const over = (error?: unknown) => {
    // The conversation is over: it begins anew.
    setAsked(undefined);
    setRefused(error === undefined ? "" : told(error));
  };
  return (
    <Sheet id="key" title="Sign in">
      {asked ? (
        <Questions key={asked.conversation} asked={asked} next={next} over={over} />
      ) : (
        <Who ways={known} refused={refused} next={next} />
      )}
    </Sheet>
  );
}
