// One session, connected again and again until it ends.

import RFB from "@novnc/novnc";
import { Refused, roundTrip, type Session } from "../api";
import { pause } from "./backoff";
import type { Picture } from "./picture";
import type { Seat } from "./seat";

/** From opening the WebSocket to the display's first words. */
const CONNECT_WITHIN = 5000;
const MEASURE_EVERY = 3000;
/** Questions without an answer in a row, after which the connection is taken for dead. */
const SILENT_AFTER = 2;

export type Status =
  | { is: "connecting" | "reconnecting" }
  | { is: "connected"; milliseconds: number | undefined; server: string | undefined }
  | { is: "ended"; why: string };

export interface Listener {
  status(status: Status): void;
  named(name: string, clipboard: Session["clipboard"]): void;
  connected(rfb: RFB): void;
}

export class Connection {
  private wake = () => {};

  constructor(
    private readonly seat: Seat,
    private readonly picture: Picture,
    private readonly listener: Listener,
  ) {
    window.addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** Returns when the session has ended. */
  async run(): Promise<void> {
    this.listener.status({ is: "connecting" });
    for (let failures = 0; ; failures++) {
      const ended = await this.seat.whyEnded(this.listener.named);
      if (ended === undefined) {
        if (await this.show()) failures = 0;
        this.picture.freeze();
      } else if (ended) {
        return this.listener.status({ is: "ended", why: ended });
      }
      this.listener.status({ is: "reconnecting" });
      await this.sleep(pause(failures, document.hidden, Math.random()));
    }
  }

  /** Connects once and stays until the connection is over. Returns whether the session was seen. */
  private async show(): Promise<boolean> {
    const way = await this.seat.open().catch(() => undefined);
    if (!way) return false;
    const rfb = new RFB(this.picture.newLayer(), way.socket, { shared: true });
    const over = Promise.withResolvers<void>();
    const closed = over.promise;
    rfb.addEventListener("disconnect", () => over.resolve());
    const connected = new Promise<boolean>((resolve) => {
      rfb.addEventListener("connect", () => resolve(true));
      void closed.then(() => resolve(false));
    });
    const late = setTimeout(() => rfb.disconnect(), CONNECT_WITHIN);
    const seen = await connected;
    clearTimeout(late);
    if (!seen) return false;

    this.listener.connected(rfb);
    const { server } = way;
    this.listener.status({ is: "connected", milliseconds: undefined, server });
    void this.picture.reveal();
    await this.watch(rfb, closed, server);
    return true;
  }

  /** Measures the way, and gives the connection up when nothing comes back on it. */
  private async watch(rfb: RFB, closed: Promise<void>, server: string | undefined): Promise<void> {
    let open = true;
    void closed.then(() => {
      open = false;
      this.wake();
    });
    for (let silent = 0; open; await this.sleep(MEASURE_EVERY)) {
      const answer = roundTrip(server).catch((error: unknown) => (error instanceof Refused ? undefined : null));
      const milliseconds = await Promise.race([answer, closed]);
      if (!open) break;
      silent = milliseconds === null ? silent + 1 : 0;
      if (silent >= SILENT_AFTER) rfb.disconnect();
      if (milliseconds) this.listener.status({ is: "connected", milliseconds, server });
    }
    await closed;
  }

  /** Until the time is over, or something happened that makes waiting pointless. */
  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
