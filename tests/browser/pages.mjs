// What else the pages do: signing in, the key, the clipboard, a phone's keyboard, a display that ends.
//
//   node pages.mjs --url https://host:port/ --key KEY --person NAME:PASSWORD --shots DIR --typed PATH --end DIR
//
// --typed PATH  what the phone's keyboard writes goes there
// --end DIR     makes DIR/looking, and then expects that the display is ended
//
// Prints one JSON object. Exit code 0: all of it went well; 1: `error` says what did not.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessible, open, typeUntilWritten, until } from "./browser.mjs";

const { values: options } = parseArgs({
  options: Object.fromEntries(["url", "key", "person", "shots", "typed", "end"].map((name) => [name, { type: "string" }])),
});
const { page, finish } = await open({ phone: true, shots: options.shots });
const shot = (name) => page.screenshot({ path: join(options.shots, `${name}.png`) });

await finish(async (report) => {
  report.person = await asPerson();
  await keyForm();
  await page.locator("#sessions .name").nth(1).waitFor();
  report.names = await page.locator("#sessions .name").allTextContents();
  report.started = await startAndEnd();
  report.pwned = await page.evaluate(() => window.pwned ?? null);
  await page.locator("#sessions a.look[href]").first().click();
  await page.locator('body[data-status="connected"] #screen[data-live]').waitFor();
  report.phoneTyped = await typeOnPhone();
  report.clipboard = await copyAndPaste();
  await keys();
  await policy();
  report.guest = await share();
  await ends();
});

/** In by name and password, and out again. */
async function asPerson() {
  const [name, password] = options.person.split(":");
  await page.goto(options.url);
  await page.locator("#key-name").fill(name);
  await page.locator("#key-password").fill(password);
  await page.keyboard.press("Enter");
  await page.locator("#key").waitFor({ state: "detached" });
  await page.locator("#sessions .name").nth(1).waitFor();
  const said = await page.locator("#out").getAttribute("title");
  await page.locator("#out").click();
  await page.locator("#key-name").waitFor();
  return said;
}

/** A wrong key is refused in words, and the next try has to wait; the right one opens the list. */
async function keyForm() {
  await page.goto(options.url);
  await page.locator("#key-password").fill("wrong");
  await page.locator("#key button[type=submit]").click();
  await page.locator("#key .error", { hasText: "not the key of this server" }).waitFor();
  await accessible(page);
  await shot("key");
  // The wait doubles with each wrong key, so that in the end the next click falls into it.
  let said = "";
  const slowed = async () => {
    await page.locator("#key button[type=submit]").click();
    await page.locator("#key button[type=submit]:enabled").waitFor();
    said = await page.locator("#key .error").textContent();
    return said.includes("too many wrong tries");
  };
  await until(slowed, "wrong keys are not slowed down");
  await page.waitForTimeout(1000 * Number(/in (\d+) s/.exec(said)[1]));
  await page.locator("#key-password").fill(options.key);
  await page.keyboard.press("Enter");
  await page.locator("#key").waitFor({ state: "detached" });
}

/** A session started by the form, photographed on its card, ended by two clicks, forgotten by a third. */
async function startAndEnd() {
  await page.locator("#new").click();
  await page.locator("#start-what").selectOption("command");
  await page.locator("#start-command").fill("exec xterm -bg green -e cat");
  await page.locator("#start-name").fill("by the form");
  await page.locator("#start-geometry").fill("320x240");
  await accessible(page);
  await shot("start");
  await page.locator("#start button[type=submit]").click();
  const card = page.locator("#sessions .card", { hasText: "by the form" });
  await card.locator(".state", { hasText: "running" }).waitFor();
  await card.locator("img.picture:visible").waitFor();
  await accessible(page);
  await shot("cards");
  await card.locator(".end").click();
  await card.locator(".end", { hasText: "Really end?" }).click();
  await card.locator(".state", { hasText: "ended" }).waitFor();
  await card.locator(".end", { hasText: "Forget" }).click();
  await card.waitFor({ state: "detached" });
  return true;
}

/** As an on-screen keyboard does it: text appears in a field, words are corrected, keys are never pressed. */
async function typeOnPhone() {
  await page.locator("#type").click();
  const input = (text) => page.evaluate((text) => document.execCommand("insertText", false, text), text);
  return typeUntilWritten(options.typed, "grüße\n", async () => {
    await input("exho");
    for (const _ of "xho") await page.evaluate(() => document.execCommand("delete"));
    await input(`cho grüße > ${options.typed}`);
    await input("\n");
  });
}

/** Through the clipboards of both sides: written in the sheet, pasted into the terminal, read back from the file. */
async function copyAndPaste() {
  const file = `${options.typed}.pasted`;
  await page.locator("#clip").click();
  await accessible(page);
  await shot("clipboard");
  await page.locator("#clipboard-text").fill(`echo pasted > ${file}\n`);
  await page.keyboard.press("Escape");
  await page.locator("#clipboard").waitFor({ state: "hidden" });
  const box = await page.locator(".live canvas").boundingBox();
  const centre = [box.x + box.width / 2, box.y + box.height / 2];
  return typeUntilWritten(file, "pasted\n", async () => {
    await page.mouse.click(...centre, { button: "middle" });
    // The terminal fetches the text from here in its own time, and takes it as one line only after Enter.
    await page.waitForTimeout(1000);
    await page.keyboard.press("Enter");
  });
}

/** Ctrl, held for a letter of the phone's keyboard, ends a program; the quality that was chosen is kept. */
async function keys() {
  const file = `${options.typed}.keys`;
  const input = (text) => page.evaluate((text) => document.execCommand("insertText", false, text), text);
  await page.locator("#keys").click();
  await accessible(page);
  await shot("keys");
  await page.locator("#quality").selectOption("small");
  await page.keyboard.press("Escape");
  await typeUntilWritten(file, "keys\n", async () => {
    await page.locator("#type").click();
    await input("cat");
    await input("\n");
    await page.locator("#keys").click();
    await page.locator("#latches button", { hasText: "Ctrl" }).click();
    await page.locator('#latches [aria-pressed="true"]').waitFor();
    await page.keyboard.press("Escape");
    await page.locator("#type").click();
    await input("c");
    await input(`echo keys > ${file}`);
    await input("\n");
  });
  if ((await page.locator('#latches [aria-pressed="true"]').count()) > 0) throw new Error("Ctrl is still held");
  await page.reload();
  await page.locator('body[data-status="connected"] #screen[data-live]').waitFor();
  if ((await page.locator("#quality").inputValue()) !== "small") throw new Error("the quality is not kept");
}

/** What an administrator's policy leaves of the clipboard's sheet. */
async function policy() {
  for (const [clipboard, shown] of Object.entries({ in: ["clip", "clipboard-in"], out: ["clip", "clipboard-out"], off: [] })) {
    const theirs = await page.context().newPage();
    await theirs.route("**/api/sessions", async (route) => {
      const answer = await route.fetch();
      const said = await answer.json();
      for (const session of said.result.sessions) session.clipboard = clipboard;
      await route.fulfill({ response: answer, json: said });
    });
    await theirs.goto(page.url());
    await theirs.locator('body[data-status="connected"] #screen[data-live]').waitFor();
    for (const id of shown) {
      if (await theirs.locator(`#${id}`).evaluate((found) => found.hidden)) throw new Error(`no #${id} with clipboard ${clipboard}`);
    }
    const others = ["clip", "clipboard-in", "clipboard-out"].filter((id) => clipboard !== "off" ? !shown.includes(id) : id === "clip");
    for (const id of others) await theirs.locator(`#${id}`).waitFor({ state: "hidden" });
    await theirs.close();
  }
  await page.bringToFront();
}

/** A link that only lets look: somebody comes by it, is seen, and is sent away. Returns what they read at the end. */
async function share() {
  await page.locator("#share").click();
  await page.locator("#share-make").click();
  await page.locator("#share-link:visible").waitFor();
  await accessible(page);
  // Here no gateway takes the server away from the path.
  const link = (await page.locator("#share-link").inputValue()).replace("/@n1/", "/");
  const theirs = await page.context().newPage();
  await theirs.goto(link);
  await theirs.locator('body[data-status="connected"] #screen[data-live]').waitFor();
  for (const id of ["fit", "type", "clip", "keys", "back", "share"]) await theirs.locator(`#${id}`).waitFor({ state: "hidden" });
  await theirs.screenshot({ path: join(options.shots, "guest.png") });
  await page.locator("#shares li", { hasText: "one guest" }).waitFor();
  await shot("sharing");
  await page.locator("#shares button").click();
  await theirs.locator("#notice:visible").waitFor();
  const said = await theirs.locator("#notice p").textContent();
  await theirs.close();
  await page.bringToFront();
  await page.keyboard.press("Escape");
  await page.locator("#sharing").waitFor({ state: "hidden" });
  return said;
}

async function ends() {
  await writeFile(join(options.end, "looking"), "");
  await page.locator("#notice", { hasText: "has ended" }).waitFor();
  await until(async () => (await page.locator("#badge").textContent()) === "ended", "the badge does not say it");
  await accessible(page);
  await shot("ended");
}
