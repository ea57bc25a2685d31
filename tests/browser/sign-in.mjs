// Somebody signs in whom the server asks for a code besides the password.
//
//   node sign-in.mjs --url https://host:port/ --name NAME --password PASSWORD --code CODE --shots DIR
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open, until } from "./browser.mjs";

const { values: options } = parseArgs({
  options: Object.fromEntries(["url", "name", "password", "code", "shots"].map((name) => [name, { type: "string" }])),
});
const { page, finish } = await open({ shots: options.shots });
const code = page.locator("#key input[autocomplete=one-time-code]");

await finish(async (report) => {
  await page.goto(options.url);
  await page.locator("#key-way").selectOption({ label: "Linux" });
  await accessible(page);
  await page.screenshot({ path: join(options.shots, "sign-in.png") });
  await who();
  await accessible(page);
  await page.screenshot({ path: join(options.shots, "sign-in-code.png") });
  await code.fill("000000");
  await page.keyboard.press("Enter");
  await page.locator("#key .error", { hasText: "not a right answer" }).waitFor();
  await page.locator("#key-way").selectOption({ label: "Linux" });
  await who();
  await code.fill(options.code);
  await page.keyboard.press("Enter");
  await page.locator("#key").waitFor({ state: "detached" });
  await page.locator("#out").waitFor();
  report.person = await page.locator("#out").getAttribute("title");
});

/** Name and password, until the server asks for the code: after a wrong answer it lets people wait. */
async function who() {
  await page.locator("#key-name").fill(options.name);
  await page.locator("#key-password").fill(options.password);
  await until(async () => {
    if (await code.isVisible()) return true;
    await page.locator("#key button[type=submit]:enabled").click({ timeout: 1000 }).catch(() => {});
    return code.waitFor({ timeout: 500 }).then(() => true, () => false);
  }, "the server does not ask for the code");
}
