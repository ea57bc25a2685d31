// What a person looks at: a session of their own, or one that somebody's link leads to.

import {
  invitation,
  listSessions,
  pageOf,
  Refused,
  type Session,
  sessionSocket,
  shareSocket,
  ticket,
  ticketSocket,
} from "../api";
import { signIn } from "../sign-in/ask";

/** A server that was restarted hears of the others' sessions within some seconds. Milliseconds. */
const HEARD_OF_WITHIN = 30_000;

export interface Way {
  socket: WebSocket;
  /** Where the session is, if it is not the page's server. */
  server?: string;
}

type Named = (name: string, clipboard: Session["clipboard"]) => void;

export interface Seat {
  /** Why there is nothing to look at, for good; "" for now; undefined: it is there, and `named` was told what it is called. */
  whyEnded(named: Named): Promise<string | undefined>;
  /** Throws if there is no way now. */
  open(): Promise<Way>;
}

/** `elsewhere` is told when the session is on another server than the page. */
export function own(id: string, elsewhere: () => void): Seat {
  let other: string | undefined;
  let opened = false;
  let lastHeardOf = 0;
  const why = (session: Session | undefined, server: string): string | undefined => {
    if (!session) {
      const waits = other !== undefined && Date.now() - lastHeardOf < HEARD_OF_WITHIN;
      return waits ? "" : `There is no session ${id} on ${server} any more.`;
    }
    lastHeardOf = Date.now();
    if (session.serverId !== server) {
      other = session.serverId;
      elsewhere();
    }
    if (session.state === "starting" || session.state === "ending") return "";
    if (session.state !== "ended") return undefined;
    const detail = session.ended ? `: ${session.ended.detail}` : "";
    return `${session.name} ended on ${new Date(session.changed).toLocaleString()}${detail}.`;
  };
  return {
    whyEnded: async (named) => {
      try {
        const { server, sessions } = await listSessions();
        const session = sessions.find((session) => session.id === id);
        if (session) named(session.name, session.clipboard);
        return why(session, server);
      } catch (error) {
        if (error instanceof Refused && error.status === 401) await signIn();
        return "";
      }
    },
    open: async () => {
      if (other === undefined) return { socket: sessionSocket(id) };
      const way = await byTicket(id, other, opened);
      opened = true;
      return way;
    },
  };
}

/** A server that gives no tickets, or is not reached by the one of the page, asks for a name itself. */
async function byTicket(id: string, server: string, opened: boolean): Promise<Way> {
  try {
    const { ticket: shown, ways } = await ticket(id);
    const [way] = ways;
    if (!way) throw new Error("there is no way to it");
    return { socket: ticketSocket(way.url, shown), server };
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 401) throw error;
    // The picture stays while there is one; who is signed in there, too, gets it back.
    if (opened) return { socket: sessionSocket(id, server), server };
    location.replace(pageOf(server, id));
    throw error;
  }
}

/** `mode` is told what the link allows. */
export const invited = (token: string, mode: (mode: "view" | "control") => void): Seat => ({
  open: async () => ({ socket: shareSocket(token) }),
  whyEnded: async (named) => {
    try {
      const invited = await invitation(token);
      mode(invited.mode);
      named(invited.owner ? `${invited.name} (${invited.owner})` : invited.name, invited.clipboard);
      return undefined;
    } catch (error) {
      return error instanceof Refused && error.status === 404 ? "This link does not count any more." : "";
    }
  },
});
