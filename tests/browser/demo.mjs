// A person with a browser: opens the portal, looks at a display, types into it, and stays through a restart of the way.
//
//   node demo.mjs --url 'https://host:port/#key=…' --shots DIR [--display NAME] [--file PATH] [--restart DIR]
//                 [--within MS] [--phone] [--dark]
//
// --file PATH    types `echo seen > PATH` into the terminal in the display, and waits for the file
// --restart DIR  makes DIR/ready, then waits until the connection is cut and comes back; whoever restarts the gateway
//                makes DIR/back at the moment when it takes connections again
// --within MS    how long after that the picture may take to come back, the node's own way to the gateway included
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { access, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open, typeUntilWritten, until } from "./browser.mjs";

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    shots: { type: "string" },
    display: { type: "string" },
    file: { type: "string" },
    restart: { type: "string" },
    within: { type: "string", default: "5000" },
    phone: { type: "boolean", default: false },
    dark: { type: "boolean", default: false },
  },
});
if (!options.url || !options.shots) throw new Error("--url and --shots are needed");
const { page, finish } = await open(options);

await finish(async (report) => {
  await list(report);
  await look(report);
  if (options.file) report.typed = await type(options.file);
  await shot("display");
  if (options.restart) report.restart = await surviveRestart(options.restart);
});

/** The list of displays, reached with the key in the address, which must not stay there. */
async function list(report) {
  const started = Date.now();
  await page.goto(options.url);
  await page.locator("#sessions a.look[href]").first().waitFor();
  report.listMs = Date.now() - started;
  report.sessions = await page.locator("#sessions .name").allTextContents();
  if (page.url().includes("key=")) throw new Error("the key is still in the address bar");
  await accessible(page);
  await shot("list");
}

/** The viewer, until the picture of the display is there. */
async function look(report) {
  const name = options.display ?? report.sessions[0];
  const started = Date.now();
  await page.locator("#sessions a.look[href]", { hasText: name }).first().click();
  await live();
  report.pictureMs = Date.now() - started;
  // An empty root window has one or two colours; a terminal with its frame has many.
  const enough = async () => (report.colours = await colours(".live canvas")) > 8;
  await until(enough, "the display stays empty");
  await until(async () => /^connected \d+ ms$/.test(await badge()), "the badge shows no round trip");
  report.badge = await badge();
  await accessible(page);
}

async function type(file) {
  const canvas = page.locator(".live canvas");
  const box = await canvas.boundingBox();
  // Somewhere on the terminal: the pointer chooses the window.
  const at = [box.x + box.width * 0.3, box.y + box.height * 0.35];
  const command = async () => {
    if (options.phone) await page.touchscreen.tap(...at);
    else await page.mouse.click(...at);
    await page.keyboard.type(`echo seen > ${file}\n`, { delay: 8 });
  };
  return (await typeUntilWritten(file, "seen\n", command)) === "seen\n";
}

async function surviveRestart(folder) {
  const [ready, back] = [join(folder, "ready"), join(folder, "back")];
  await writeFile(ready, "");
  await page.locator('body[data-status="reconnecting"]').waitFor();
  const kept = await colours("#last");
  await shot("reconnecting");
  await until(() => access(back).then(() => true, () => false), "the way did not come back");
  await live();
  const resumedMs = Math.round(Date.now() - (await stat(back)).mtimeMs);
  await shot("resumed");
  if (kept < 8) throw new Error("the last picture was not kept while reconnecting");
  if (resumedMs > Number(options.within)) throw new Error(`the picture came back ${resumedMs} ms after the way was back`);
  if (options.file) await type(`${options.file}.again`);
  return { kept, resumedMs };
}

function live() {
  return page.locator('body[data-status="connected"] #screen[data-live]').waitFor();
}

function badge() {
  return page.locator("#badge").textContent();
}

function shot(name) {
  return page.screenshot({ path: join(options.shots, `${name}.png`) });
}

/** How many different colours a canvas shows, looking at every 7th pixel. */
function colours(canvas) {
  return page.locator(canvas).evaluate((canvas) => {
    if (!canvas.width || !canvas.height) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    const seen = new Set();
    for (let at = 0; at < pixels.length; at += 7) seen.add(pixels[at]);
    return seen.size;
  });
}
