// The server with the most memory that is free.
function (input) {
  let best = null;
  for (const server of input.servers) {
    if (best === null || (server.freemem || 0) > (best.freemem || 0)) best = server;
  }
  return best && best.serverId;
}
