// The plan while it is edited: pure changes of it.

import type { Plan, Planned } from "./api";

/** A function with a mark that stays when it is renamed or moved. */
export interface Drafted extends Planned {
  id: number;
}

export interface Draft extends Omit<Plan, "functions"> {
  functions: Drafted[];
}

export const EMPTY: Plan = { prefilter: {}, functions: [], cases: [] };

let ids = 0;

export const drafted = (planned: Planned): Drafted => ({ ...planned, id: ids++ });

export const draftOf = (plan: Plan): Draft => ({ ...plan, functions: plan.functions.map(drafted) });

export const planOf = (draft: Draft): Plan => ({
  ...draft,
  functions: draft.functions.map(({ name, source, enabled }) => ({ name, source, enabled })),
});

/** With the function at `from` before the one that is at `to` now. */
export function moved(draft: Draft, from: number, to: number): Draft {
  if (to < 0 || to >= draft.functions.length || from === to) return draft;
  const functions = [...draft.functions];
  functions.splice(to, 0, ...functions.splice(from, 1));
  return { ...draft, functions };
}

export const changed = (draft: Draft, id: number, change: Partial<Planned>): Draft => ({
  ...draft,
  functions: draft.functions.map((planned) => (planned.id === id ? { ...planned, ...change } : planned)),
});

/** A name that none of `names` is. */
export function free(name: string, names: string[]): string {
  let found = name;
  for (let n = 2; names.includes(found); n++) found = `${name} ${n}`;
  return found;
}
