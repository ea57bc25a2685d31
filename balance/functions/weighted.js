// By chance, in proportion to a weight that is written in a server's static data: { "weight": 3 }. Without one it is 1; a
// server with weight 0 gets nothing.
function (input) {
  const weight = (server) => {
    const written = server.staticData && server.staticData.weight;
    return typeof written === "number" && written >= 0 ? written : 1;
  };
  const total = input.servers.reduce((sum, server) => sum + weight(server), 0);
  let left = Math.random() * total;
  for (const server of input.servers) {
    if (left < weight(server)) return server.serverId;
    left -= weight(server);
  }
  return null;
}
