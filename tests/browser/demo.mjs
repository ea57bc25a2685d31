// A person with a browser: opens the portal, looks at a display, types into it, and stays through a restart of the way.
//
//   node demo.mjs --url 'https://host:port/#key=…' --shots DIR [--display NAME] [--file PATH] [--restart DIR]
//                 [--phone] [--dark]
//
// --file PATH    types `echo seen > PATH` into the terminal in the display, and waits for the file
// --restart DIR  makes DIR/ready, then waits until the connection is cut and comes back; whoever restarts the gateway
//                makes DIR/back at the moment when it takes connections again
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { access, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const WITHIN = 20_000;

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    shots: { type: "string" },
    display: { type: "string" },
    file: { type: "string" },
    restart: { type: "string" },
    phone: { type: "boolean", default: false },
    dark: { type: "boolean", default: false },
  },
});
if (!options.url || !options.shots) throw new Error("--url and --shots are needed");

const report = { ok: false, errors: [] };
const profile = await mkdtemp(join(tmpdir(), "fastx-browser-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  ignoreHTTPSErrors: true,
  colorScheme: options.dark ? "dark" : "light",
  ...(options.phone
    ? { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }
    : { viewport: { width: 1280, height: 800 } }),
});

try {
  const page = await openPage();
  await list(page);
  await look(page);
  if (options.file) report.typed = await type(page, options.file);
  await shot(page, "display");
  if (options.restart) report.restart = await surviveRestart(page, options.restart);
  report.ok = true;
} catch (error) {
  report.error = error.message;
  for (const page of browser.pages()) await shot(page, "failed").catch(() => {});
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 3 });
}
console.log(JSON.stringify(report, null, 2));
process.exit(report.ok ? 0 : 1);

async function openPage() {
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(WITHIN);
  // While the way is cut, failed requests are expected; a broken policy or script never is.
  page.on("pageerror", (error) => report.errors.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) report.errors.push(`policy: ${message.text()}`);
  });
  return page;
}

/** The list of displays, reached with the key in the address, which must not stay there. */
async function list(page) {
  const started = Date.now();
  await page.goto(options.url);
  await page.locator("#displays a.card[href]").first().waitFor();
  report.listMs = Date.now() - started;
  report.displays = await page.locator("#displays .name").allTextContents();
  if (page.url().includes("key=")) throw new Error("the key is still in the address bar");
  await shot(page, "list");
}

/** The viewer, until the picture of the display is there. */
async function look(page) {
  const name = options.display ?? report.displays[0];
  const started = Date.now();
  await page.locator("#displays a.card[href]", { hasText: name }).first().click();
  await live(page);
  report.pictureMs = Date.now() - started;
  // An empty root window has one or two colours; a terminal with its frame has many.
  const enough = async () => (report.colours = await colours(page, ".live canvas")) > 8;
  await until(enough, "the display stays empty");
  await until(async () => /^connected \d+ ms$/.test(await badge(page)), "the badge shows no round trip");
  report.badge = await badge(page);
}

async function type(page, file) {
  const canvas = page.locator(".live canvas");
  const box = await canvas.boundingBox();
  // The terminal stands in the upper left part of the screen, and the pointer chooses the window.
  const at = [box.x + box.width * 0.3, box.y + box.height * 0.35];
  if (options.phone) await page.touchscreen.tap(...at);
  else await page.mouse.click(...at);
  const command = () => page.keyboard.type(`echo seen > ${file}\n`, { delay: 8 });
  return (await typeUntilWritten(file, command)) === "seen\n";
}

async function surviveRestart(page, folder) {
  const [ready, back] = [join(folder, "ready"), join(folder, "back")];
  await writeFile(ready, "");
  await page.locator('body[data-status="reconnecting"]').waitFor();
  const kept = await colours(page, "#last");
  await shot(page, "reconnecting");
  await until(() => access(back).then(() => true, () => false), "the way did not come back");
  await live(page);
  const resumedMs = Math.round(Date.now() - (await stat(back)).mtimeMs);
  await shot(page, "resumed");
  if (kept < 8) throw new Error("the last picture was not kept while reconnecting");
  if (resumedMs > 2000) throw new Error(`the picture came back ${resumedMs} ms after the way was back`);
  if (options.file) await type(page, `${options.file}.again`);
  return { kept, resumedMs };
}

function live(page) {
  return page.locator('body[data-status="connected"] #screen[data-live]').waitFor();
}

function badge(page) {
  return page.locator("#badge").textContent();
}

function shot(page, name) {
  return page.screenshot({ path: join(options.shots, `${name}.png`) });
}

/** How many different colours a canvas shows, looking at every 7th pixel. */
function colours(page, canvas) {
  return page.locator(canvas).evaluate((canvas) => {
    if (!canvas.width || !canvas.height) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    const seen = new Set();
    for (let at = 0; at < pixels.length; at += 7) seen.add(pixels[at]);
    return seen.size;
  });
}

async function until(done, otherwise) {
  for (const start = Date.now(); Date.now() - start < WITHIN; ) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${otherwise} (waited ${WITHIN / 1000} s)`);
}
