// Leaves the servers of the person's groups: those whose static data name one, { "group": "chem" } or
// { "group": ["chem", "bio"] }, and those that name none.
function (input) {
  const mine = input.servers.filter((server) => {
    const wanted = server.staticData && server.staticData.group;
    return !wanted || [].concat(wanted).some((group) => input.userGroups.includes(group));
  });
  if (mine.length === 0) throw new Error("None of your groups has a server that is free.");
  return mine;
}
