// One person on each server: leaves those where nobody else is logged in. Sessions of the person are no hindrance.
function (input) {
  const mine = new Set((input.user.sessions || []).map((session) => session.serverId));
  const alone = input.servers.filter((server) => {
    const others = (server.loggedInUsers || []).filter((login) => login !== input.user.login);
    return others.length === 0 && (server.sessions === 0 || mine.has(server.serverId));
  });
  if (alone.length === 0) throw new Error("Every server is in use by somebody. Try again later.");
  return alone;
}
