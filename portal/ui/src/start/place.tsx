import { NativeSelect } from "@mantine/core";
import type { Candidate } from "../api";

/** A choice where there are several; who does not choose is led to one by the cluster. */
export function Place({ servers, value, put }: { servers: Candidate[]; value: string; put: (server: string) => void }) {
  if (servers.length < 2) return null;
  const open = servers.filter((server) => server.newSessions);
  const data = open.map(({ serverId, hostname, sessions, cpus, load }) => ({
    value: serverId,
    label: `${hostname || serverId} (${sessions} running, load ${load.toFixed(1)} of ${cpus})`,
  }));
  return (
    <NativeSelect
      id="start-server"
      label="Server"
      data={[{ value: "", label: "chosen for me" }, ...data]}
      value={value}
      onChange={(event) => put(event.currentTarget.value)}
    />
  );
}
