// What there is to start. Pure.

import type { Application, Form } from "../api";

/** One of them, by the value of its option. */
export interface Offer {
  value: string;
  label: string;
  /** Missing: the person types it. */
  command?: string;
  /** What an administrator wants to be asked, and its name. */
  form?: Form;
  profile?: string;
}

export interface Group {
  group: string;
  items: Offer[];
}

export const DESKTOP: Offer = { value: "desktop", label: "The desktop of the server", command: "" };
export const COMMAND: Offer = { value: "command", label: "A command…" };

/** A form that is called as an application is asked before that one; others stand for themselves. */
export function offers(applications: Application[], forms: Record<string, Form>): Group[] {
  const item = ({ id, name, command }: Application): Offer => ({
    value: `application ${id}`,
    label: name,
    command,
    form: forms[id],
    profile: forms[id] && id,
  });
  const of = (kind: Application["kind"]) => applications.filter((one) => one.kind === kind).map(item);
  const taken = new Set(applications.map(({ id }) => id));
  const alone = Object.entries(forms).filter(([name]) => !taken.has(name));
  const groups = [
    { group: "Desktops", items: [DESKTOP, ...of("desktop")] },
    { group: "Prepared", items: alone.map(([name, form]) => ({ value: `form ${name}`, label: form.title ?? name, command: "", form, profile: name })) },
    { group: "Programs", items: of("program") },
    { group: "Other", items: [COMMAND] },
  ];
  return groups.filter(({ items }) => items.length > 0);
}

export const found = (groups: Group[], value: string): Offer =>
  groups.flatMap(({ items }) => items).find((offer) => offer.value === value) ?? DESKTOP;
