// Who asks for a GPU, by the start form's field "gpu", gets a server that has one; everybody else one that has none, as long
// as there is one. A server has a GPU if it reports one, or if its static data say { "gpu": true }.
function (input) {
  const has = (server) => Boolean((server.gpus && server.gpus.length) || (server.staticData && server.staticData.gpu));
  const params = (input.data && input.data.params) || {};
  if (params.gpu && params.gpu !== "false") {
    const with_one = input.servers.filter(has);
    if (with_one.length === 0) throw new Error("No server with a GPU is free.");
    return with_one;
  }
  const without = input.servers.filter((server) => !has(server));
  return without.length > 0 ? without : null;
}
