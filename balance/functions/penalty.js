// Leaves out servers where a start failed in the last five minutes, as long as others are left. The servers say so
// themselves, in a metric: metrics.lastFailedStart, in seconds since 1970 (a command in metrics.d writes it).
function (input) {
  const since = Date.now() / 1000 - 300;
  const well = input.servers.filter((server) => {
    const failed = server.metrics && Number(server.metrics.lastFailedStart);
    return !(failed > since);
  });
  return well.length > 0 ? well : null;
}
