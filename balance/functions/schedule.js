// Servers that take sessions at certain hours only, by their static data: { "hours": "19-7", "days": "1-5" }. Hours are
// local ones, from the first up to the second; days go from 0, Sunday, to 6, both included. Without them a server is always open.
function (input) {
  const now = new Date();
  const within = (range, value, end) => {
    if (typeof range !== "string") return true;
    const [from, to] = range.split("-").map(Number);
    return from <= to ? value >= from && value < to + end : value >= from || value < to + end;
  };
  const open = input.servers.filter(({ staticData }) => {
    return !staticData || (within(staticData.hours, now.getHours(), 0) && within(staticData.days, now.getDay(), 1));
  });
  if (open.length === 0) throw new Error("No server takes sessions at this hour.");
  return open;
}
