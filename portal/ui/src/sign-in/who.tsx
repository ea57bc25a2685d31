// The first form: a name and a password, or the portal's key; and the ways over other sites.

import { Button, Group, NativeSelect, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useRef, useState } from "react";
import { login, open, type Step, type Way } from "../api";
import { told } from "../told";

const HINT = "Without a name of your own: leave it empty, and paste the portal key. The server has it in the file portal-key in its local folder.";

interface Props {
  ways: Way[];
  /** Why the last try came to nothing. */
  refused: string;
  next: (step: Step) => void;
}

export function Who({ ways, refused, next }: Props) {
  const forms = ways.filter((way) => way.kind === "form");
  const [way, setWay] = useState(forms.length > 1 ? forms[0]?.id : undefined);
  const [name, setName] = useState("");
  const [secret, setSecret] = useState("");
  const [error, setError] = useState(refused);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  async function send(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      const called = name.trim();
      next(await (called ? login(way, called, secret) : open(secret.replace(/^.*#key=/, ""))));
    } catch (no) {
      setError(told(no));
      field.current?.select();
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void send(event)}>
      <Stack gap="sm">
        <TextInput
          id="key-name"
          label="Name"
          autoComplete="username"
          autoCapitalize="off"
          spellCheck={false}
          data-autofocus
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          id="key-password"
          label="Password"
          ref={field}
          // Whoever has a name may leave it to the server to ask for what it wants.
          required={!name}
          withAsterisk={false}
          autoComplete="current-password"
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
        {forms.length > 1 && (
          <NativeSelect
            id="key-way"
            label="Account"
            value={way}
            onChange={(event) => setWay(event.currentTarget.value)}
            data={forms.map(({ id, label }) => ({ value: id, label }))}
          />
        )}
        <p className="error" role="alert">
          {error}
        </p>
        <Button type="submit" loading={busy} fullWidth>
          Sign in
        </Button>
        <Others ways={ways} />
        <Text size="sm" c="dimmed">
          {HINT}
        </Text>
      </Stack>
    </form>
  );
}

/** The ways over other sites. */
function Others({ ways }: { ways: Way[] }) {
  const links = ways.filter((way) => way.kind === "redirect");
  if (links.length === 0) return null;
  return (
    <Group grow>
      {links.map(({ id, label }) => (
        <Button key={id} component="a" variant="default" href={`api/login/${id.replace(":", "/")}`}>
          {label}
        </Button>
      ))}
    </Group>
  );
}
