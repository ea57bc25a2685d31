// The server with the fewest sessions; of several, one by chance.
function (input) {
  const fewest = Math.min(...input.servers.map((server) => server.sessions));
  const best = input.servers.filter((server) => server.sessions === fewest);
  return best.length && best[Math.floor(Math.random() * best.length)].serverId;
}
