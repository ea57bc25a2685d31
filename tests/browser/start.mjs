// Somebody starts sessions from what there is, fills in an administrator's form, and looks after one from its card; on a
// desktop in the dark, most of it by keyboard.
//
//   node start.mjs --url 'https://host:port/#key=…' --shots DIR
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open, until } from "./browser.mjs";

const { values: options } = parseArgs({ options: { url: { type: "string" }, shots: { type: "string" } } });
const { page, finish } = await open({ dark: true, shots: options.shots });
const shot = (name) => page.screenshot({ path: join(options.shots, `${name}.png`) });
const card = (name) => page.locator("#sessions .card", { hasText: name });
const field = (name) => page.locator(`#start-field-${name}`);

await finish(async (report) => {
  await page.goto(options.url);
  await page.locator("#badge", { hasText: "live" }).waitFor();
  report.offered = await offered();
  await wrongAndRight();
  await fromTheCard();
  report.name = await renamed();
  report.pwned = await page.evaluate(() => window.pwned ?? null);
});

/** What there is to choose, in groups. */
async function offered() {
  await page.locator("#new").focus();
  await page.keyboard.press("Enter");
  await page.locator("#start-what optgroup[label=Programs] option").first().waitFor({ state: "attached" });
  return page.locator("#start-what optgroup").evaluateAll((groups) => groups.map((group) => group.label));
}

/** Each field says what is wrong with it; corrected, the session starts. */
async function wrongAndRight() {
  await page.locator("#start-what").selectOption("form matlab");
  await accessible(page);
  await shot("form");
  await field("cpus").fill("100");
  await page.locator("#start-geometry").fill("wide");
  await page.keyboard.press("Enter");
  const said = page.locator("#start .mantine-Input-error, #start [class*=error]");
  for (const text of ["At most 64.", "This is needed.", "Such as 1280x800."]) await said.filter({ hasText: text }).first().waitFor();
  await page.locator("#start-field-cpus:focus").waitFor();
  await accessible(page);
  await shot("form-errors");
  await field("cpus").fill("8");
  await field("project").fill("<b>7</b>");
  await field("queue").selectOption("long");
  await field("gpu").check();
  await page.getByRole("button", { name: "this window" }).click();
  await page.locator("#start-name").fill("prepared");
  await page.keyboard.press("Enter");
  await page.locator("#start").waitFor({ state: "detached" });
  await page.locator("#new:focus").waitFor();
  await card("prepared").locator(".state", { hasText: "running" }).waitFor();
  await card("prepared").locator("img.picture:visible").waitFor();
}

/** The menu of a card, without a mouse. */
async function choose(name) {
  await card("prepared").locator(".more").focus();
  await page.keyboard.press("Enter");
  const item = page.getByRole("menuitem", { name });
  await item.waitFor();
  return item;
}

async function fromTheCard() {
  await (await choose("Log…")).waitFor();
  await accessible(page);
  await shot("menu");
  const log = page.locator("[role=menuitem]:focus", { hasText: "Log…" });
  await until(async () => {
    if ((await log.count()) > 0) return true;
    await page.keyboard.press("ArrowDown");
    return false;
  }, "arrows do not lead through the menu");
  await page.keyboard.press("Enter");
  await page.locator("#log .log, #log p").first().waitFor();
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.locator("#log").waitFor({ state: "detached" });
  await card("prepared").locator(".more:focus").waitFor();
  await (await choose("Share…")).click();
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.locator("#sharing .guests li", { hasText: "0 guests · looks" }).waitFor();
  await accessible(page);
  await shot("share");
  await page.locator("#sharing .guests button").click();
  await page.locator("#sharing .guests li").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.locator("#sharing").waitFor({ state: "detached" });
}

async function renamed() {
  await (await choose("Rename…")).click();
  await page.locator("#rename-name").fill("<i>called</i>");
  await page.keyboard.press("Enter");
  await page.locator("#rename").waitFor({ state: "detached" });
  await card("<i>called</i>").waitFor();
  await until(async () => (await page.locator("#sessions .card").count()) === 1, "there are other cards");
  await shot("list");
  return page.locator("#sessions .name").textContent();
}
