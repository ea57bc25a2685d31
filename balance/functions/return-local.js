// The server that the person is connected to.
function (input) {
  return input.local.serverId;
}
