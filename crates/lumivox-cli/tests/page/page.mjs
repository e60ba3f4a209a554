// Uses the page as a person would, in headless Chromium: node page.mjs http://HOST:PORT FOLDER KEY
// FOLDER has node_modules with puppeteer-core; downloads and screenshots are left there.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";

const [url, folder, key] = process.argv.slice(2);
const puppeteer = createRequire(join(folder, "package.json"))("puppeteer-core");
const downloads = join(folder, "downloads");
const TEXT = `Don't stop, Dr. Smith: "it's" 5 o'clock. The $HOME \\ of the quick fox 🦊 is \`near\`.\nTwo lines!`;

/** Chromium by its usual names. */
function chromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = process.env.PATH.split(delimiter).flatMap((path) => names.map((name) => join(path, name)));
  const found = paths.find(existsSync);
  assert(found, "Chromium is needed to use the page; install it (Debian: apt-get install chromium)");
  return found;
}

rmSync(downloads, { recursive: true, force: true });
mkdirSync(downloads, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: chromium(),
  args: ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
  protocolTimeout: 600_000,
});
const page = await browser.newPage();
page.setDefaultTimeout(120_000);
const session = await browser.target().createCDPSession();
await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads });

const complaints = [];
// Chromium tells of each answer that is an error, the page asks for the key then; advice at the level `verbose` is no complaint.
const expected = (message) => message.type() === "verbose" || message.text().includes("status of 401");
page.on("console", (message) => expected(message) || complaints.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => complaints.push(String(error)));
const requests = [];
page.on("request", (request) => {
  assert(/^(data|blob):/.test(request.url()) || request.url().startsWith(url), `a request to ${request.url()}`);
  if (request.url().endsWith("/v1/audio/speech")) requests.push(JSON.parse(request.postData()));
});

// What is given to the audio device, and which words are marked when.
await page.evaluateOnNewDocument(() => {
  window.seen = { starts: [], loudest: 0, words: [] };
  const { connect } = AudioNode.prototype;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const meter = this.context.createAnalyser();
      const samples = new Float32Array(meter.fftSize);
      connect.call(this, meter);
      setInterval(() => {
        meter.getFloatTimeDomainData(samples);
        window.seen.loudest = Math.max(window.seen.loudest, ...samples.map(Math.abs));
      }, 40);
    }
    return connect.call(this, to, ...rest);
  };
  const { start, stop } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (at) {
    this.entry = { at, end: at + this.buffer.duration };
    window.seen.starts.push(this.entry);
    return start.call(this, at);
  };
  AudioBufferSourceNode.prototype.stop = function (at) {
    if (at === undefined) window.seen.starts.splice(window.seen.starts.indexOf(this.entry), 1);
    return stop.call(this, at);
  };
  const watch = new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.getAttribute("aria-current")) window.seen.words.push({ index: Number(target.dataset.index), ms: performance.now() });
    }
  });
  addEventListener("DOMContentLoaded", () => watch.observe(document, { subtree: true, attributeFilter: ["aria-current"] }));
});

const value = (selector, property) => page.$eval(selector, (element, name) => element[name], property);
const text = (selector) => value(selector, "textContent");
const spoken = () => page.waitForFunction(() => document.body.dataset.speaking === "no" && document.querySelector(".word"));
const screenshot = (name) => page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });

async function press(modifier, key) {
  await page.keyboard.down(modifier);
  await page.keyboard.press(key);
  await page.keyboard.up(modifier);
}

async function replaceText(input) {
  await page.focus("#text");
  await press("Control", "a");
  await page.keyboard.sendCharacter(input);
}

async function light(scheme) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  // Colours change softly.
  await new Promise((resolve) => setTimeout(resolve, 400));
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

async function download(format) {
  const path = join(downloads, `speech.${format}`);
  await page.click(`[data-format=${format}]`);
  await page.waitForFunction((name) => document.querySelector("#download-status").textContent.startsWith(`${name},`), {}, `speech.${format}`);
  for (let i = 0; i < 200 && !existsSync(path); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  return readFileSync(path);
}

const steps = {
  async "asks for the key"() {
    await page.setViewport({ width: 1120, height: 900 });
    await light("light");
    await page.goto(url);
    await page.waitForSelector("#key-form:not([hidden])");
    await page.keyboard.type("no such key");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#error:not([hidden])");
    await page.$eval("#key", (field) => field.select());
    await page.keyboard.type(key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#voice-0");
    assert.equal(await page.$("#key-form:not([hidden]), #error:not([hidden])"), null);
  },

  async "offers a text and the voices by language"() {
    const groups = await page.$$eval("#voice-0 optgroup", (all) => all.map(({ label }) => label));
    assert(groups.includes("American English, female") && groups.includes("Japanese, female"), groups.join("; "));
    assert((await value("#text", "value")).length > 40);
    await screenshot("first");
  },

  async "speaks by Ctrl+Enter, and sound comes out"() {
    await page.select("#voice-0", "bf_emma");
    await replaceText(TEXT);
    await press("Control", "Enter");
    const { input, voice, response_format, timestamps, speed } = requests.at(-1);
    assert.deepEqual([input, voice, response_format, timestamps, speed], [TEXT, "bf_emma", "pcm", true, undefined]);
    await page.waitForFunction(() => window.seen.loudest > 0.02 && Number(document.querySelector("#seek").ariaValueNow) > 0.5);
    await screenshot("playing");
    await spoken();
    await page.waitForFunction(() => document.querySelector("#play").ariaLabel === "Play");
  },

  async "marks the words in order as they sound"() {
    const { words, starts } = await page.evaluate(() => window.seen);
    const indices = words.map(({ index }) => index);
    const count = (await page.$$(".word")).length;
    assert(indices.every((index, i) => i === 0 || index > indices[i - 1]), `in order: ${indices}`);
    assert(indices[0] <= 1 && indices.at(-1) >= count - 2 && indices.length > count / 2, `${indices} of ${count}`);
    assert(words.at(-1).ms - words[0].ms > 2000, "over time");
    // A piece begins where the one before ends, or after a time without sound.
    assert(starts.every(({ at }, i) => i === 0 || at > starts[i - 1].end - 1e-6), JSON.stringify(starts));
    const shown = await page.$$eval(".word", (all) => all.map(({ textContent }) => textContent));
    assert(shown.includes("Dr.") && shown.includes("Two"), shown.join("|"));
    assert.equal(await text("#words"), TEXT);
    const unspoken = await page.$$eval(".unspoken", (all) => all.map(({ textContent }) => textContent));
    assert(unspoken.includes("🦊"), unspoken.join("|"));
    assert.match(await text("#warnings"), /🦊/);
    assert.match(await text("#progress"), /First sound after [\d.]+ s · [\d.]+ s made in [\d.]+ s/);
  },

  async "goes where it is told, by mouse and keys"() {
    const now = () => value("#seek", "ariaValueNow").then(Number);
    await page.focus("#seek");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    assert.equal(await now(), 1);
    await page.keyboard.press("Space");
    assert.equal(await value("#play", "ariaLabel"), "Pause");
    await page.keyboard.press("Space");
    assert.equal(await value("#play", "ariaLabel"), "Play");
    const wave = await (await page.$("#seek")).boundingBox();
    await page.mouse.click(wave.x + wave.width / 2, wave.y + wave.height / 2);
    assert(Math.abs((await now()) / Number(await value("#seek", "ariaValueMax")) - 0.5) < 0.05);
    await page.click('.word[data-index="0"]');
    assert.equal(await value("#play", "ariaLabel"), "Pause");
    assert((await now()) < 1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    assert.equal(await value("#play", "ariaLabel"), "Play");
  },

  async "shows a word's phonemes and takes others"() {
    await page.mouse.move(1, 1);
    await page.hover('.word[data-index="3"]');
    await page.waitForSelector("#phonemes:popover-open");
    assert.deepEqual([await text("#phonemes-word"), await value("#correction", "value")], ["Smith", "smˈɪθ"]);
    await page.click("#correction");
    await screenshot("phonemes");
    await page.keyboard.press("End");
    await page.keyboard.press("Backspace");
    await page.keyboard.type("t");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.body.dataset.speaking === "yes" || document.querySelector(".corrected"));
    const corrected = TEXT.replace("Smith", "[Smith](/smˈɪt/)");
    assert.equal(requests.at(-1).input, corrected);
    await spoken();
    assert.equal(await text(".corrected"), "Smith");
    assert.equal(await text("#words"), TEXT, "the markup is not shown");
    // By keyboard: the word, the field, back again.
    await page.focus('.word[data-index="3"]');
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "correction");
    assert.equal(await value("#correction", "value"), "smˈɪt");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "3");
    assert.equal(await page.$("#phonemes:popover-open"), null);
  },

  async "gives files, and curl the same"() {
    assert.equal((await download("flac")).subarray(0, 4).toString(), "fLaC");
    const wav = await download("wav");
    assert.equal(wav.subarray(0, 4).toString() + wav.subarray(8, 12), "RIFFWAVE");
    assert(wav.length > 50_000);
    execFileSync("sh", ["-c", await text("#curl")], { cwd: folder, env: { ...process.env, LUMIVOX_API_KEY: key } });
    assert(!(await text("#curl")).includes(key), "the key is not shown");
    assert(readFileSync(join(folder, "speech.wav")).equals(wav), "curl's audio is the page's");
  },

  async "blends voices, and keeps what is chosen"() {
    await page.click("#blend");
    await page.select("#voice-1", "bf_lily");
    await page.$eval(".share", (share) => {
      share.value = 70;
      share.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.focus("#speed");
    await page.keyboard.press("ArrowRight");
    assert.match(await text("#curl"), /"voice":"bf_emma:70,bf_lily:30".*"speed":1\.05/);
    await page.reload();
    await page.waitForSelector("#voice-1");
    assert.match(await text("#curl"), /"voice":"bf_emma:70,bf_lily:30".*"speed":1\.05/);
  },

  async "stops the server's work by Escape"() {
    await replaceText("A long text goes on for a while. ".repeat(40));
    await press("Control", "Enter");
    await page.waitForSelector(".word");
    await page.$eval("#text", (area) => area.blur());
    const failed = new Promise((resolve) => page.once("requestfailed", (request) => resolve(request.failure().errorText)));
    await page.keyboard.press("Escape");
    assert.equal(await failed, "net::ERR_ABORTED");
    assert.equal(await text("#status"), "Stopped.");
    assert.equal(await text("#speak-label"), "Speak");
  },

  async "fits a phone, in the dark, too"() {
    await page.evaluate(() => scrollTo(0, 0));
    await page.setViewport({ width: 1120, height: 900 });
    const [day, night] = [await light("light"), await light("dark")];
    assert.notEqual(day, night);
    await screenshot("dark");
    await page.setViewport({ width: 360, height: 740, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
    await page.waitForSelector("#voice-1");
    await page.tap(".remove");
    await replaceText("A phone is a small page. [Worcester](/wˈʊstəɹ/) is a word, and Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch is one, too.");
    await page.tap("#speak");
    await spoken();
    await page.tap('.word[data-index="3"]');
    await page.waitForSelector("#phonemes:popover-open");
    await page.tap("#correction");
    await screenshot("phone-phonemes");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("#play").ariaLabel === "Play");
    await page.tap("#more summary");
    const wide = await page.evaluate(() => {
      const outside = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
      return [document.documentElement.scrollWidth, outside.map((one) => one.id || one.className)];
    });
    assert.deepEqual(wide, [360, []]);
    await screenshot("phone-dark");
    await light("light");
    await screenshot("phone");
  },
};

try {
  for (const [name, step] of Object.entries(steps)) {
    await step().catch((error) => {
      error.message = `the page ${name}: ${error.message}`;
      throw error;
    });
    console.log(`the page ${name}`);
  }
  assert.deepEqual(complaints, []);
} catch (error) {
  console.error(complaints.join("\n"));
  await screenshot("failed");
  throw error;
} finally {
  await browser.close();
}
