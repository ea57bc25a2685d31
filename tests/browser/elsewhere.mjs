// A person who is signed in at one server looks at a session on another one: no second sign-in, and no picture after signing out.
//
//   node elsewhere.mjs --url https://host:port/ --person NAME:PASSWORD --server ID --typed PATH --shots DIR
//
// --server ID   where the session is
// --typed PATH  what is typed into its terminal goes there
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open, typeUntilWritten, until } from "./browser.mjs";

const { values: options } = parseArgs({
  options: Object.fromEntries(["url", "person", "server", "typed", "shots"].map((name) => [name, { type: "string" }])),
});
const { page, finish } = await open({ shots: options.shots });
const live = () => page.locator('body[data-status="connected"] #screen[data-live]').waitFor();

await finish(async (report) => {
  const [name, password] = options.person.split(":");
  await page.goto(options.url);
  await page.locator("#key-name").fill(name);
  await page.locator("#key-password").fill(password);
  await page.keyboard.press("Enter");
  await page.locator("#sessions a.look[href]").first().click();
  await live();
  const badge = () => page.locator("#badge").textContent();
  const says = new RegExp(`^connected \\d+ ms · ${options.server}$`);
  await until(async () => says.test(await badge()), "the badge does not say where it is");
  report.badge = await badge();
  await accessible(page);
  await page.screenshot({ path: join(options.shots, "elsewhere.png") });
  const box = await page.locator(".live canvas").boundingBox();
  await typeUntilWritten(options.typed, "seen\n", async () => {
    await page.mouse.click(box.x + box.width * 0.3, box.y + box.height * 0.35);
    await page.keyboard.type(`echo seen > ${options.typed}\n`, { delay: 8 });
  });
  // Each time by another ticket, on the same page.
  const where = page.url();
  await page.reload();
  await live();
  if (page.url() !== where) throw new Error(`it is at ${page.url()}`);
  await page.evaluate(() => fetch("api/logout", { method: "POST" }));
  await page.locator("#key-name").waitFor();
  report.status = await page.evaluate(() => document.body.dataset.status);
});
