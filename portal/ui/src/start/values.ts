// What people fill into a start form: where it begins, what is wrong with it, what is sent. Pure.

import type { Field, Form, Value } from "../api";

/** By the names of the fields; what is not filled in is not there. */
export type Values = Record<string, Value | undefined>;

export function initial(form: Form): Values {
  const of = (field: Field): Value | undefined => field.default ?? (field.type === "boolean" ? false : undefined);
  return Object.fromEntries(Object.entries(form.properties).map(([name, field]) => [name, of(field)]));
}

/** By the names of fields; none is wrong: nothing. */
export function wrong(form: Form, values: Values): Record<string, string> {
  const said = Object.entries(form.properties).map(([name, field]): [string, string | undefined] => {
    const value = values[name];
    if (isEmpty(value)) return [name, form.required?.includes(name) ? "This is needed." : undefined];
    return [name, typeof value === "number" ? wrongNumber(field, value) : wrongText(field, value)];
  });
  return Object.fromEntries(said.filter((one): one is [string, string] => one[1] !== undefined));
}

/** What goes into the start's `params`. */
export const params = (values: Values): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).filter((one): one is [string, Value] => !isEmpty(one[1])));

const isEmpty = (value: Value | undefined) => value === undefined || value === "";

function wrongNumber({ type, minimum, maximum }: Field, value: number): string | undefined {
  if (type === "integer" && !Number.isInteger(value)) return "Only whole numbers.";
  if (minimum !== undefined && value < minimum) return `At least ${minimum}.`;
  if (maximum !== undefined && value > maximum) return `At most ${maximum}.`;
  return undefined;
}

function wrongText({ type, maxLength }: Field, value: Value | undefined): string | undefined {
  if (type === "number" || type === "integer") return "Only numbers.";
  if (maxLength !== undefined && [...String(value)].length > maxLength) return `At most ${maxLength} characters.`;
  return undefined;
}
