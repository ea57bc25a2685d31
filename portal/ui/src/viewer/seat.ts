// What a person looks at: a session of their own, or one that somebody's link leads to.

import { invitation, listSessions, Refused, sessionSocket, shareSocket } from "../api";
import { signIn } from "../sign-in/ask";

export interface Seat {
  /** Why there is nothing to look at, for good; "" for now; undefined: it is there, and `named` was told what it is called. */
  whyEnded(named: (name: string) => void): Promise<string | undefined>;
  socket(): WebSocket;
}

export const own = (id: string): Seat => ({
  socket: () => sessionSocket(id),
  whyEnded: async (named) => {
    try {
      const { server, sessions } = await listSessions();
      const session = sessions.find((session) => session.id === id);
      if (!session) return `There is no session ${id} on ${server} any more.`;
      named(session.name);
      if (session.state === "starting" || session.state === "ending") return "";
      if (session.state !== "ended") return undefined;
      const why = session.ended ? `: ${session.ended.detail}` : "";
      return `${session.name} ended on ${new Date(session.changed).toLocaleString()}${why}.`;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) await signIn();
      return "";
    }
  },
});

/** `mode` is told what the link allows. */
export const invited = (token: string, mode: (mode: "view" | "control") => void): Seat => ({
  socket: () => shareSocket(token),
  whyEnded: async (named) => {
    try {
      const invited = await invitation(token);
      mode(invited.mode);
      named(invited.owner ? `${invited.name} (${invited.owner})` : invited.name);
      return undefined;
    } catch (error) {
      return error instanceof Refused && error.status === 404 ? "This link does not count any more." : "";
    }
  },
});
