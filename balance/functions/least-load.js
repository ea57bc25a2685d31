// The server with the least load for each of its processors, over the last five minutes. A session that starts is not in
// the load yet, so each one counts as half a processor until it is.
function (input) {
  const load = (server) => ((server.loadavg ? server.loadavg[1] : 0) + server.sessions / 2) / (server.cpus || 1);
  let best = null;
  let least = Infinity;
  for (const server of input.servers) {
    const its = load(server);
    if (its < least) {
      best = server;
      least = its;
    }
  }
  return best && best.serverId;
}
