import { Group } from "@mantine/core";
import { useState } from "react";
import { type Session, thumbnail } from "../api";
import { End } from "./end";
import { More } from "./more";
import { type About, address, age, canEnd, isHere, isMine, isUp, note, state } from "./session";
import "./card.css";

/** Milliseconds between two pictures of one screen. */
const PICTURES_EVERY = 15_000;

interface Props {
  session: Session;
  about: About;
  now: number;
}

/** One session: its picture and name lead to its display. */
export function Card({ session, about, now }: Props) {
  const local = isHere(session, about);
  const mine = isMine(session, about);
  const owned = local && mine;
  return (
    <li className="card" data-id={session.id}>
      <a className="look" href={isUp(session) && mine ? address(session) : undefined}>
        <Picture session={session} taken={owned && isUp(session)} now={now} />
        <span className="what">
          <strong className="name">{session.name}</strong>
          <code className="command">{session.command}</code>
          <span className="note" data-state={session.warning ? "wait" : ""}>
            {note(session)}
          </span>
        </span>
      </a>
      <span className="facts">
        <span className="state" data-up={isUp(session) || undefined}>
          {state(session)}
        </span>
        <span className="owner">{session.login !== about.login && about.login !== null ? session.login : ""}</span>
        <span className="where">{local ? "" : session.serverId}</span>
        <span className="size">{session.geometry.replace("x", " × ")}</span>
        <time className="changed" dateTime={session.changed} title={new Date(session.changed).toLocaleString()}>
          {age(session, now)}
        </time>
      </span>
      <Group className="acts" gap="xs" wrap="nowrap">
        {canEnd(session, about) && <End session={session} />}
        {owned && <More session={session} />}
      </Group>
    </li>
  );
}

/** A new picture now and then, and whenever its state changed; the last one stays. */
function Picture({ session, taken, now }: { session: Session; taken: boolean; now: number }) {
  const when = `${session.changed} ${Math.floor(now / PICTURES_EVERY)}`;
  const wanted = taken ? thumbnail(session.id, when) : undefined;
  const [source, setSource] = useState(wanted);
  const [there, setThere] = useState(false);
  if (wanted && wanted !== source) setSource(wanted);
  return (
    <span className="screen" aria-hidden="true">
      {source && <img className="picture" alt="" src={source} hidden={!there} onLoad={() => setThere(true)} />}
    </span>
  );
}
