// The server with the fewest sessions for each of its GPUs; of several, the one whose GPUs do least.
function (input) {
  const gpus = (server) => server.gpus || [];
  const busy = (server) => gpus(server).reduce((sum, gpu) => sum + (gpu.utilization || 0), 0) / gpus(server).length;
  const order = input.servers
    .filter((server) => gpus(server).length > 0)
    .sort((a, b) => a.sessions / gpus(a).length - b.sessions / gpus(b).length || busy(a) - busy(b));
  if (order.length === 0) throw new Error("No server with a GPU is free.");
  return order[0].serverId;
}
