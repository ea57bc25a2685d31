// Chromium, as all scripts here start it, and the report that they print.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** Milliseconds. Nothing takes so long, unless it never happens. */
const WITHIN = 45_000;

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DESKTOP = { viewport: { width: 1280, height: 800 } };

/**
 * A page in a browser of its own, and `finish`, which runs the steps, prints their report as JSON and ends this process:
 * with 0 if all went well, else with 1 and `error` in the report.
 */
export async function open({ phone = false, dark = false, shots }) {
  const profile = await mkdtemp(join(tmpdir(), "fastx-browser-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    ignoreHTTPSErrors: true,
    colorScheme: dark ? "dark" : "light",
    ...(phone ? PHONE : DESKTOP),
  });
  const report = { ok: false, errors: [] };
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(WITHIN);
  // While the way is cut, failed requests are expected; a broken policy or script never is.
  page.on("pageerror", (error) => report.errors.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) report.errors.push(`policy: ${message.text()}`);
  });

  async function finish(steps) {
    try {
      await steps(report);
      report.ok = true;
    } catch (error) {
      // The address in it would carry the portal key into logs.
      report.error = error.message.replace(/#key=\w+/g, "#key=…");
      await page.screenshot({ path: join(shots, "failed.png") }).catch(() => {});
    }
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    console.log(JSON.stringify(report, null, 2));
    process.exit(report.ok ? 0 : 1);
  }
  return { page, finish };
}

/** What axe finds in the way of people who see, hear or point otherwise; throws if it is anything. */
export async function accessible(page) {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  if (found.length > 0) throw new Error(`axe found\n${found.join("\n")}`);
}

export async function until(done, otherwise) {
  for (const start = Date.now(); Date.now() - start < WITHIN; ) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${otherwise} (waited ${WITHIN / 1000} s)`);
}

/**
 * Types a command that writes `wanted` to `file`, and returns what is in it. A shell that is just starting can swallow keys:
 * then, as a person would, it types the command again.
 */
export async function typeUntilWritten(file, wanted, type) {
  let text = "";
  let nextTry = 0;
  await until(async () => {
    text = await readFile(file, "utf8").catch(() => "");
    if (text === wanted) return true;
    if (Date.now() < nextTry) return false;
    await type();
    nextTry = Date.now() + 4000;
  }, `${file} does not hold what was typed`);
  return text;
}
