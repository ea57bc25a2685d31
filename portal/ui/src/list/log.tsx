import { Button, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { type Session, sessionLog } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";

/** What its programs wrote, as text and nothing else. */
export function Log({ session, close }: { session: Session; close: () => void }) {
  const [text, setText] = useState<string>();
  const [error, setError] = useState("");
  const [looks, setLooks] = useState(0);
  useEffect(() => {
    sessionLog(session.id).then(
      (text) => {
        setText(text);
        setError("");
      },
      (no) => setError(told(no)),
    );
  }, [session.id, looks]);
  return (
    <Sheet id="log" title={`Log of ${session.name}`} close={close} wide>
      <Stack gap="sm">
        {text === "" && <Text c="dimmed">Its programs wrote nothing.</Text>}
        {text && (
          <pre className="log" tabIndex={0} role="region" aria-label="Log">
            {text}
          </pre>
        )}
        <p className="error" role="alert">
          {error}
        </p>
        <Button variant="default" data-autofocus onClick={() => setLooks(looks + 1)}>
          Read again
        </Button>
      </Stack>
    </Sheet>
  );
}
