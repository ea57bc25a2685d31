// Somebody signs in, starts a terminal, and works in it.
//
//   node work.mjs --url https://host:port/ --name NAME --password PASSWORD --typed FILE --shots DIR [--at LABEL] [--way LABEL]
//
// --at LABEL   not here, but at another site: the button that leads there, whose forms are those of oidc-provider
// --way LABEL  which of several accounts it is
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { parseArgs } from "node:util";
import { open, typeUntilWritten } from "./browser.mjs";

const names = ["url", "name", "password", "typed", "shots", "at", "way"];
const { values: options } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const { page, finish } = await open({ shots: options.shots });

await finish(async (report) => {
  await page.goto(options.url);
  await (options.at ? elsewhere() : here());
  await page.locator("#badge", { hasText: "live" }).waitFor();
  report.person = await page.locator("#out").getAttribute("title");
  await start();
  report.typed = await type();
});

async function here() {
  if (options.way) await page.locator("#key-way").selectOption({ label: options.way });
  await page.locator("#key-name").fill(options.name);
  await page.locator("#key-password").fill(options.password);
  await page.keyboard.press("Enter");
}

/** Says who one is, and agrees that this server hears of it. */
async function elsewhere() {
  await page.getByRole("link", { name: options.at }).click();
  await page.locator("input[name=login]").fill(options.name);
  await page.locator("input[name=password]").fill(options.password);
  await page.locator("button[type=submit]").click();
  await page.getByRole("button", { name: "Continue" }).click();
}

async function start() {
  await page.locator("#new").click();
  await page.locator("#start-what").selectOption("command");
  await page.locator("#start-command").fill("exec xterm -fs 14 -geometry 60x20+20+20 -e /bin/sh");
  await page.locator("#start-name").fill("my terminal");
  await page.locator("#start button[type=submit]").click();
  await page.locator("#start").waitFor({ state: "detached" });
  await page.locator("#sessions a.look[href]", { hasText: "my terminal" }).click();
  await page.locator('body[data-status="connected"] #screen[data-live]').waitFor();
}

/** Into the terminal, which says who it runs as. */
async function type() {
  const box = await page.locator(".live canvas").boundingBox();
  const command = async () => {
    await page.mouse.click(box.x + box.width * 0.2, box.y + box.height * 0.2);
    await page.keyboard.type(`id -un > ${options.typed}\n`, { delay: 8 });
  };
  return typeUntilWritten(options.typed, `${options.name}\n`, command);
}
