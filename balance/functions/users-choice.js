// The server that the person picked, if it takes sessions; without a pick the next function decides.
function (input) {
  const picked = (input.data && input.data.serverId) || input.user.serverId;
  if (!picked) return null;
  if (input.servers.some((server) => server.serverId === picked)) return picked;
  throw new Error(`The server ${picked} takes no new sessions now. Pick another one, or none.`);
}
