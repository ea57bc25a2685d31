// The server where the person already has a session; of several, the one with most of them. Without any, the next function
// decides.
function (input) {
  const counts = new Map();
  for (const session of input.user.sessions || []) {
    counts.set(session.serverId, (counts.get(session.serverId) || 0) + 1);
  }
  const theirs = input.servers.filter((server) => counts.has(server.serverId));
  theirs.sort((a, b) => counts.get(b.serverId) - counts.get(a.serverId));
  return theirs.length > 0 ? theirs[0].serverId : null;
}
