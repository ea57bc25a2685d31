// Links for guests: an owner makes them, sees who looks by them, and ends them.

import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useCallback, useEffect, useState } from "react";
import { endShare, listShares, type Session, type Share, share } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";

/** Milliseconds. */
const LOOK_EVERY = 2000;
const MODES = [
  { value: "view", label: "look only" },
  { value: "control", label: "look and work" },
];
/** Seconds. */
const EXPIRES = [
  { value: "900", label: "15 minutes" },
  { value: "3600", label: "an hour" },
  { value: "28800", label: "8 hours" },
];

export function Sharing({ session, close }: { session: Session; close: () => void }) {
  const [mode, setMode] = useState("view");
  const [expires, setExpires] = useState("3600");
  const [link, setLink] = useState("");
  const [all, setAll] = useState<Share[]>([]);
  const [error, setError] = useState("");
  const tried = useCallback((what: Promise<unknown>) => {
    what.then(
      () => setError(""),
      (no) => setError(told(no)),
    );
  }, []);
  const look = useCallback(async () => setAll(await listShares(session.id)), [session.id]);
  useEffect(() => {
    tried(look());
    const timer = setInterval(() => tried(look()), LOOK_EVERY);
    return () => clearInterval(timer);
  }, [look, tried]);

  async function make() {
    const { url } = await share(session.id, mode as Share["mode"], Number(expires));
    const whole = new URL(url, location.origin).href;
    setLink(whole);
    await navigator.clipboard?.writeText(whole).catch(() => undefined);
    await look();
  }

  return (
    <Sheet id="sharing" title={`Share ${session.name}`} close={close}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          Whoever has the link comes in without a name, until it expires, you end it here, or you sign out.
        </Text>
        <Group grow align="end">
          <NativeSelect label="A guest may" data={MODES} value={mode} onChange={(event) => setMode(event.currentTarget.value)} />
          <NativeSelect label="For" data={EXPIRES} value={expires} onChange={(event) => setExpires(event.currentTarget.value)} />
        </Group>
        <Button data-autofocus onClick={() => tried(make())}>
          Make a link
        </Button>
        {link && <TextInput readOnly aria-label="Link" value={link} onFocus={(event) => event.currentTarget.select()} />}
        <p className="error" role="alert">
          {error}
        </p>
        <ul className="guests" aria-label="Links that count">
          {all.map((one) => (
            <Line key={one.id} share={one} end={() => tried(endShare(session.id, one.id).then(look))} />
          ))}
        </ul>
      </Stack>
    </Sheet>
  );
}

function Line({ share: { mode, expires, connected }, end }: { share: Share; end: () => void }) {
  const until = new Date(expires).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const guests = connected === 1 ? "one guest" : `${connected} guests`;
  return (
    <li>
      <span>
        {guests} · {mode === "view" ? "looks" : "works"} · until {until}
      </span>
      <Button variant="default" size="xs" onClick={end}>
        End
      </Button>
    </li>
  );
}
