// An administrator with a browser: puts a chain together, writes a function, tries it, keeps a case, saves, and goes back.
//
//   node balance.mjs --url 'https://host:port/#key=…' --shots DIR [--phone] [--dark]
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open } from "./browser.mjs";

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    shots: { type: "string" },
    phone: { type: "boolean", default: false },
    dark: { type: "boolean", default: false },
  },
});
const { page, finish } = await open(options);
const shot = (name) => page.screenshot({ path: join(options.shots, `${name}.png`), fullPage: true });

await finish(async (report) => {
  await page.goto(options.url);
  await page.locator("#sessions a.look[href]").first().waitFor();
  await page.goto(new URL("balance.html", page.url()).href);
  await page.locator("#add option").nth(2).waitFor({ state: "attached" });
  await chain();
  report.help = await help();
  report.chosen = await dryRun();
  report.failing = await cases();
  await accessible(page);
  await shot("balance");
  report.versions = await history();
  await onAPhoneAtNight();
});

/** Two functions, brought into their order by keys; one of one's own, written into the editor. */
async function chain() {
  await page.locator("#add").selectOption("fewest-sessions");
  await page.locator("#add").selectOption("blank");
  await page.locator("#function-name").fill("only <b>chem</b>");
  await page.locator("#chain button.function", { hasText: "only <b>chem</b>" }).press("Alt+ArrowUp");
  await page.locator("#chain li:first-child button.function", { hasText: "only <b>chem</b>" }).waitFor();
  await write("function (input) {\n");
}

/** In place of all that is in the editor. */
async function write(text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

/** The fields of `input` are offered and explained, and others are marked. */
async function help() {
  await page.keyboard.type("return input.");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: "userGroups" }).waitFor();
  const offered = await page.locator(".cm-tooltip-autocomplete li").allTextContents();
  await page.keyboard.press("Escape");
  await page.keyboard.type("serverz");
  await page.locator(".cm-lintRange-warning").waitFor();
  await write('(input) => { console.log(input.user.login); return input.servers.filter((s) => s.staticData.group === "chem"); }');
  await page.locator(".cm-lintRange").first().waitFor({ state: "detached" });
  return offered;
}

/** What it would do, of servers that are not there; nothing is saved for it. */
async function dryRun() {
  await page.locator("#sample").click();
  await page.locator("#run").click();
  await page.locator("#trace strong").waitFor();
  await page.locator("#trace pre", { hasText: "alice" }).waitFor();
  return page.locator("#trace strong").textContent();
}

/** A case that fails keeps a chain from being saved. */
async function cases() {
  await page.locator("#keep-case").click();
  await page.locator("#run-cases").click();
  await page.locator("#cases .badge", { hasText: "passes" }).waitFor();
  await page.locator("#save").click();
  await page.locator("#said", { hasText: "Saved as version 1" }).waitFor();
  await page.locator("#chain input[type=checkbox]").first().uncheck();
  await page.locator("#save").click();
  const said = page.locator("#said", { hasText: "cases fail" });
  await said.waitFor();
  await page.locator("#said button").click();
  await page.locator("#said", { hasText: "Saved as version 2" }).waitFor();
  return page.locator("#history li").first().textContent();
}

/** Version 1 again, as version 3. */
async function history() {
  await page.locator("#history li").last().locator("button").click();
  await page.locator("#history li", { hasText: "as version 1" }).waitFor();
  await page.locator(".badge", { hasText: "version 3" }).waitFor();
  return page.locator("#history strong").allTextContents();
}

async function onAPhoneAtNight() {
  await page.setViewportSize({ width: 375, height: 800 });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.reload();
  await page.locator(".cm-content").waitFor();
  await accessible(page);
  await shot("balance-phone");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (wide) throw new Error("the page is wider than a phone");
}
