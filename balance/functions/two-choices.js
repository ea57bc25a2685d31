// Two servers by chance, and of these the one with fewer sessions. When many sessions start between two updates, not all of
// them run to the same server.
function (input) {
  const any = () => input.servers[Math.floor(Math.random() * input.servers.length)];
  if (input.servers.length === 0) return null;
  const [one, other] = [any(), any()];
  return (other.sessions < one.sessions ? other : one).serverId;
}
