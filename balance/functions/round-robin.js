// One server after the other. Functions remember nothing between calls, so the next one is found by what runs already:
// a full round has given each server one session more.
function (input) {
  const order = [...input.servers].sort((a, b) => (a.serverId < b.serverId ? -1 : 1));
  if (order.length === 0) return null;
  const total = order.reduce((sum, server) => sum + server.sessions, 0);
  return order[total % order.length].serverId;
}
