// Leaves the servers that the person may use: those whose static data name the login, { "allowedUsers": ["alice"] }, and
// those that name nobody.
function (input) {
  const open = input.servers.filter((server) => {
    const users = server.staticData && server.staticData.allowedUsers;
    return !Array.isArray(users) || users.includes(input.user.login);
  });
  if (open.length === 0) throw new Error("You may not use any of the servers that are free.");
  return open;
}
