import { Button, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { disconnectSession, type Session } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";

/** Everybody who looks has to come again; the session itself goes on. */
export function SendAway({ session, close }: { session: Session; close: () => void }) {
  const [error, setError] = useState("");
  const send = () => disconnectSession(session.id).then(close, (no) => setError(told(no)));
  return (
    <Sheet id="send-away" title={`Disconnect viewers of ${session.name}`} close={close}>
      <Stack gap="sm">
        <Text>
          {session.clients === 1 ? "One viewer is" : `${session.clients} viewers are`} sent away. The session goes on.
        </Text>
        <p className="error" role="alert">
          {error}
        </p>
        <Button data-autofocus onClick={() => void send()}>
          Disconnect
        </Button>
      </Stack>
    </Sheet>
  );
}
