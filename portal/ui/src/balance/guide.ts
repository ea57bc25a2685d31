// The fields that a function is given, with what they are: docs/balancing.md, and the schema of server objects.

import schema from "../../../../docs/server-object.schema.json";

export type Fields = Record<string, string>;

/** Of `input`. */
export const INPUT: Fields = {
  action: '"session/start" or "user/login"',
  user: "Who asks: login, serverId (that they asked for; may be missing), sessions.",
  userGroups: "Names of their groups.",
  isManager: "Whether they are a manager.",
  isAdmin: "Whether they are an admin.",
  local: "The server that they are connected to: local.serverId.",
  servers: "The servers that are offered. Return some of them, or the serverId of one.",
  data: "What their request carries: command, geometry, params, and serverId if they picked one.",
};

export const USER: Fields = {
  login: "Their name.",
  serverId: "The server that they asked for; may be missing.",
  sessions: "Their sessions.",
};

export const LOCAL: Fields = { serverId: "The id of the server that they are connected to." };

export const DATA: Fields = {
  command: "What is to be started; empty for the desktop.",
  geometry: 'Such as "1280x800".',
  params: "Values by name, as the person gave them.",
  serverId: "The server that they picked, if they did.",
};

/** Of one server; what an administrator says of it is in `staticData`. */
export const SERVER: Fields = Object.fromEntries(
  Object.entries(schema.properties).map(([name, field]) => [name, "description" in field ? String(field.description) : ""]),
);

const OBJECTS: Record<string, Fields> = { input: INPUT, "input.user": USER, "input.local": LOCAL, "input.data": DATA };

/** The fields of an object as it is written: `input.user`; what is not of `input` is taken for a server. */
export function fieldsOf(object: string): Fields {
  return OBJECTS[object] ?? (object.startsWith("input.") ? {} : SERVER);
}

/** A few servers to try a chain on. */
export const SOME_SERVERS = [
  { serverId: "node-a", sessions: 2, cpus: 8, loadavg: [0.4, 0.4, 0.4], staticData: { group: "chem" } },
  { serverId: "node-b", sessions: 5, cpus: 8, loadavg: [1.6, 1.2, 1.1], staticData: { group: "chem", gpu: true } },
  { serverId: "node-c", sessions: 1, cpus: 4, loadavg: [3.1, 2.8, 2.0], staticData: { group: "bio" } },
];
