import { Button, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { renameSession, type Session } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";

export function Rename({ session, close }: { session: Session; close: () => void }) {
  const [name, setName] = useState(session.name);
  const [error, setError] = useState("");
  function send(event: FormEvent) {
    event.preventDefault();
    renameSession(session.id, name).then(close, (no) => setError(told(no)));
  }
  return (
    <Sheet id="rename" title={`Rename ${session.name}`} close={close}>
      <form onSubmit={send}>
        <Stack gap="sm">
          <TextInput
            id="rename-name"
            label="Name"
            maxLength={100}
            required
            withAsterisk={false}
            data-autofocus
            autoComplete="off"
            error={error}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button type="submit">Rename</Button>
        </Stack>
      </form>
    </Sheet>
  );
}
