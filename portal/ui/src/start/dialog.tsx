// The form that starts a session.

import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type Application, type Candidate, type Form, listApplications, listForms, listServers, startSession, type Value } from "../api";
import { Sheet } from "../sheet";
import { told } from "../told";
import { Fields } from "./fields";
import { COMMAND, DESKTOP, found, offers } from "./offers";
import { Place } from "./place";
import { isSize, Size } from "./size";
import { initial, params, type Values, wrong } from "./values";

export function Start({ close }: { close: () => void }) {
  const { applications, forms, servers } = useOffered();
  const groups = offers(applications, forms);
  const [what, setWhat] = useState(DESKTOP.value);
  const [typed, setTyped] = useState("");
  const [name, setName] = useState("");
  const [size, setSize] = useState("1280x800");
  const [server, setServer] = useState("");
  const [values, setValues] = useState<Values>({});
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [refused, setRefused] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const offer = found(groups, what);

  function choose(value: string) {
    const { form } = found(groups, value);
    setWhat(value);
    setValues(form ? initial(form) : {});
    setErrors({});
  }

  async function start(event: FormEvent) {
    event.preventDefault();
    // A name of a field has no space.
    const mine: Record<string, string> = isSize(size) ? {} : { " size": "Such as 1280x800." };
    const all = { ...mine, ...(offer.form ? wrong(offer.form, values) : {}) };
    setErrors(all);
    if (Object.keys(all).length > 0) return;
    setBusy(true);
    setRefused("");
    const asked = offer.form && { profile: offer.profile, params: params(values) };
    const command = offer.command ?? typed.trim();
    // The words of its command are for machines.
    const called = name.trim() || (offer.command ? offer.label : "");
    const wanted = { command, name: called, geometry: size, server: server || undefined, ...asked };
    await startSession(wanted).then(close, (no) => setRefused(told(no)));
    setBusy(false);
  }

  // Where something is to be mended, the keyboard is led.
  useEffect(() => {
    if (Object.keys(errors).length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [errors]);

  const put = (name: string, value: Value | undefined) => setValues((values) => ({ ...values, [name]: value }));
  return (
    <Sheet id="start" title="Start a session" close={close}>
      <form ref={form} noValidate onSubmit={(event) => void start(event)}>
        <Stack gap="sm">
          <NativeSelect
            id="start-what"
            label="What"
            data-autofocus
            data={groups}
            value={offer.value}
            onChange={(event) => choose(event.currentTarget.value)}
          />
          {offer.value === COMMAND.value && (
            <TextInput
              id="start-command"
              label="Command"
              placeholder="the desktop of the server"
              autoComplete="off"
              autoCapitalize="off"
              spellCheck={false}
              autoFocus
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          )}
          {offer.form && <Fields form={offer.form} values={values} errors={errors} put={put} />}
          <TextInput
            id="start-name"
            label="Name"
            placeholder={offer.command ? offer.label : "after the command"}
            maxLength={100}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Size value={size} error={errors[" size"]} put={setSize} />
          <Place servers={servers} value={server} put={setServer} />
          <p className="error" role="alert">
            {refused}
          </p>
          <Group>
            <Button type="submit" loading={busy}>
              Start
            </Button>
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
    </Sheet>
  );
}

/** What the server offers; what it does not tell is not there, and a desktop can be started all the same. */
function useOffered() {
  const [applications, setApplications] = useState<Application[]>([]);
  const [forms, setForms] = useState<Record<string, Form>>({});
  const [servers, setServers] = useState<Candidate[]>([]);
  useEffect(() => {
    const nothing = () => undefined;
    listApplications().then(setApplications, nothing);
    listForms().then(setForms, nothing);
    listServers().then(setServers, nothing);
  }, []);
  return { applications, forms, servers };
}
