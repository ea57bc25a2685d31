// What a server asks besides a password: a code, a new password. The texts are the server's.

import { Button, Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type Asked, answer, type Prompt, type Step } from "../api";

interface Props {
  asked: Asked;
  next: (step: Step) => void;
  /** Begins anew; with the server's refusal, if it was one. */
  over: (error?: unknown) => void;
}

export function Questions({ asked, next, over }: Props) {
  const [answers, setAnswers] = useState<string[]>(() => asked.prompts.map(() => ""));
  const [busy, setBusy] = useState(false);

  function send(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    answer(asked.conversation, answers).then(next, over);
  }

  const put = (at: number, text: string) => setAnswers((answers) => answers.with(at, text));
  return (
    <form onSubmit={send}>
      <Stack gap="sm">
        {asked.message && <Text id="key-message">{asked.message}</Text>}
        {asked.prompts.map((prompt, at) => (
          <Field key={`${at} ${prompt.text}`} prompt={prompt} first={at === 0} value={answers[at] ?? ""} put={(text) => put(at, text)} />
        ))}
        <Group>
          <Button type="submit" loading={busy}>
            Continue
          </Button>
          <Button variant="default" onClick={() => over()}>
            Start over
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Field({ prompt, first, value, put }: { prompt: Prompt; first: boolean; value: string; put: (text: string) => void }) {
  const Input = prompt.echo ? TextInput : PasswordInput;
  return (
    <Input
      label={prompt.text.replace(/:?\s*$/, "") || "Answer"}
      autoComplete={completes(prompt)}
      spellCheck={false}
      autoFocus={first}
      data-autofocus={first || undefined}
      value={value}
      onChange={(event) => put(event.currentTarget.value)}
    />
  );
}

function completes({ text, echo }: Prompt): string {
  if (/\bnew\b/i.test(text)) return "new-password";
  if (/code|otp|one-time|token/i.test(text)) return "one-time-code";
  return echo ? "off" : "current-password";
}
