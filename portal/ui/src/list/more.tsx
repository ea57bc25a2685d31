// What else an owner does with a session of this server.

import { ActionIcon, Menu } from "@mantine/core";
import { useRef, useState } from "react";
import type { Session } from "../api";
import { Log } from "./log";
import { Rename } from "./rename";
import { SendAway } from "./send-away";
import { isUp } from "./session";
import { Sharing } from "./sharing";

const SHEETS = { rename: Rename, sharing: Sharing, log: Log, "send-away": SendAway };
type Which = keyof typeof SHEETS;

export function More({ session }: { session: Session }) {
  const [open, setOpen] = useState<Which>();
  const button = useRef<HTMLButtonElement>(null);
  const Open = open && SHEETS[open];
  // The menu's item, where the keyboard was, is gone by then.
  const close = () => {
    setOpen(undefined);
    button.current?.focus();
  };
  const item = (which: Which, text: string) => <Menu.Item onClick={() => setOpen(which)}>{text}</Menu.Item>;
  return (
    <>
      <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false} transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <ActionIcon ref={button} className="more" variant="default" size="input-sm" aria-label={`More for ${session.name}`}>
            <Dots />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {item("rename", "Rename…")}
          {isUp(session) && item("sharing", "Share…")}
          {session.clients > 0 && item("send-away", "Disconnect viewers…")}
          {item("log", "Log…")}
        </Menu.Dropdown>
      </Menu>
      {Open && <Open session={session} close={close} />}
    </>
  );
}

function Dots() {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
      <circle cx="3" cy="8" r="1.4" />
      <circle cx="8" cy="8" r="1.4" />
      <circle cx="13" cy="8" r="1.4" />
    </svg>
  );
}
