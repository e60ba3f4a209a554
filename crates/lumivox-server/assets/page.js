// The page: what is asked for, and what comes back.

import { ApiError, catalogue, curl, events, key, samples, speech } from "./api.js";
import { Player } from "./player.js";
import { body, changed, language, offer, settings, speed } from "./settings.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";

const element = (id) => document.getElementById(id);
const text = element("text");
const player = new Player();
const wave = new Waveform(element("wave"));
const transcript = new Transcript(element("words"));

/** The speech that is coming: `{ abort, complete, … }`. */
let current = null;
/** What a key is needed for. */
let afterKey = () => start();
/** Whether the server's models are known. */
let loaded = false;

async function load() {
  try {
    const found = await catalogue();
    if (!found.models.length) throw new Error("No model is installed. Pull one: lumivox pull kokoro");
    loaded = true;
    offer(found);
    element("take").hidden = false;
    element("error").hidden = true;
  } catch (error) {
    fail(error, load);
  }
}

// Speaking.

const showCurl = () => {
  const format = element("curl-format").value;
  element("curl").textContent = curl(body(format), format);
};

const say = (message) => (element("status").textContent = message);

function fail(error, again = () => start()) {
  if (error.name === "AbortError") return;
  const isKey = error instanceof ApiError && error.status === 401;
  element("key-form").hidden = !isKey;
  if (isKey) {
    afterKey = again;
    element("key").focus();
  }
  element("error").hidden = isKey && !key.get();
  element("error").textContent = isKey ? "The key is not one of this server’s." : error.message;
}

function stop() {
  if (current && !current.complete) {
    current.abort.abort();
    finish(current, "Stopped.");
  }
  player.pause();
}

/** Speaks what is in the form, from `from` seconds on. */
async function start(from = 0) {
  if (!loaded) return load();
  current?.abort.abort();
  element("error").hidden = true;
  const asked = body("pcm");
  if (!asked.input.trim()) {
    text.focus();
    return fail(new Error("There is nothing to say yet: type or paste a text."));
  }
  const mine = { abort: new AbortController(), complete: false, began: performance.now(), first_s: null, made_s: null, words: [] };
  current = mine;
  transcript.start(asked.input, element("kind").value, language());
  wave.reset(Math.max(2, asked.input.length / 15 / speed()));
  player.begin(from);
  element("warnings").hidden = true;
  element("player").hidden = false;
  element("player").scrollIntoView({ block: "nearest" });
  say("Preparing.");
  show();
  try {
    const response = await speech({ ...asked, stream_format: "sse", timestamps: true }, mine.abort.signal);
    for await (const event of events(response)) {
      if (mine !== current) return;
      take(event, mine);
    }
    if (!mine.complete) throw new Error("The connection ended before all was spoken.");
  } catch (error) {
    if (mine !== current || mine.complete) return;
    finish(mine, "");
    element("player").hidden = !player.duration;
    fail(error);
  }
}

function take(event, mine) {
  if (event.type === "speech.audio.delta") {
    const audio = samples(event.audio);
    if (mine.first_s === null && audio.length) {
      mine.first_s = (performance.now() - mine.began) / 1000;
      say("Speaking.");
    }
    wave.push(audio);
    player.push(audio);
  } else if (event.type === "speech.word.timestamps") {
    transcript.add(event.words);
    mine.words.push(...event.words.map(({ end_byte, end_s }) => [end_byte, end_s]));
  } else if (event.type === "speech.audio.done") {
    mine.made_s = (performance.now() - mine.began) / 1000;
    warn(event.warnings);
    finish(mine, `All ${player.duration.toFixed(1)} seconds are there.`);
  } else if (event.type === "error") {
    throw new Error(event.error.message);
  }
}

function finish(mine, message) {
  mine.complete = true;
  player.finish();
  say(message);
  show();
}

/** Shows what was not spoken, and marks where. */
function warn(warnings) {
  const parts = warnings.map((warning) => /^(?:bytes (\d+)\.\.(\d+): )?(.*)$/s.exec(warning));
  transcript.finish(parts.filter(([, start]) => start).map(([, start, end]) => [Number(start), Number(end)]));
  const items = parts.map(([, , , message]) => {
    const item = document.createElement("li");
    item.textContent = message;
    return item;
  });
  element("warnings-list").replaceChildren(...items);
  element("warnings").hidden = !items.length;
}

// Showing where it is.

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** The length that all will have, by the part of the text that was spoken. */
function expected() {
  const { duration } = player;
  if (!current || current.complete) return Math.max(duration, 0.1);
  const spoken = current.words.findLast(([, end_s]) => end_s <= duration);
  const guess = spoken ? (duration * transcript.bytes) / Math.max(spoken[0], 1) : wave.total;
  return Math.max(duration, guess, 2);
}

function progress() {
  if (!current) return "";
  const { first_s, made_s, complete } = current;
  if (first_s === null) return complete ? "" : "Preparing …";
  const seconds = `${player.duration.toFixed(1)} s`;
  const first = `First sound after ${first_s.toFixed(2)} s`;
  if (made_s === null) return `${first} · ${seconds} ${complete ? "made" : "so far"}`;
  return `${first} · ${seconds} made in ${made_s.toFixed(1)} s`;
}

let frame = 0;

function show() {
  cancelAnimationFrame(frame);
  const { state, position, duration } = player;
  const busy = current && !current.complete;
  const set = (id, name, value) => element(id)[name] !== value && (element(id)[name] = value);
  document.body.dataset.speaking = busy ? "yes" : "no";
  set("play", "ariaLabel", state === "paused" ? "Play" : "Pause");
  element("play").classList.toggle("busy", state !== "paused");
  element("play").classList.toggle("waiting", state === "waiting");
  element("speak").classList.toggle("busy", Boolean(busy));
  set("speak-label", "textContent", busy ? "Stop" : "Speak");
  set("clock", "textContent", `${clock(position)} / ${busy ? "…" : clock(duration)}`);
  set("progress", "textContent", progress());
  set("seek", "ariaValueMax", duration.toFixed(1));
  set("seek", "ariaValueNow", position.toFixed(1));
  set("seek", "ariaValueText", `${clock(position)} of ${clock(duration)}`);
  if (player.ended) transcript.rest();
  else if (duration) transcript.highlight(position, state === "playing");
  const bands = [transcript.current, transcript.shown].filter(Boolean);
  const total = expected();
  wave.draw(position, total, bands);
  if (busy || state !== "paused" || Math.abs(wave.total - total) > 1e-6) frame = requestAnimationFrame(show);
}

// Files and the command line.

/** Downloads that are under way, by format. */
const downloads = new Map();

async function download(button) {
  const { format } = button.dataset;
  element("curl-format").value = format;
  showCurl();
  if (downloads.has(format)) return downloads.get(format).abort();
  const abort = new AbortController();
  downloads.set(format, abort);
  button.ariaBusy = "true";
  const status = (message) => (element("download-status").textContent = message);
  status(`Making ${format.toUpperCase()} … press again to stop.`);
  try {
    const response = await speech(body(format), abort.signal);
    const blob = await response.blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `speech.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    status(`speech.${format}, ${Math.max(1, Math.round(blob.size / 1000))} kB`);
  } catch (error) {
    status(error.name === "AbortError" ? "Stopped." : error.message);
    if (error.param === "response_format") refuse(error.message);
    else if (error.status === 401) fail(error, () => download(button));
  } finally {
    downloads.delete(format);
    button.ariaBusy = null;
  }
}

/** The server can't make MP3 and AAC. */
function refuse(reason) {
  for (const format of ["mp3", "aac"]) {
    const button = document.querySelector(`[data-format=${format}]`);
    [button.disabled, button.title] = [true, reason];
    element("curl-format").querySelector(`[value=${format}]`).disabled = true;
  }
  element("curl-format").value = "wav";
  showCurl();
}

async function copy() {
  const button = element("copy");
  try {
    await navigator.clipboard.writeText(element("curl").textContent);
    button.textContent = "Copied";
  } catch {
    // Pages that don't come by HTTPS or from this machine have no clipboard.
    getSelection().selectAllChildren(element("curl"));
    button.textContent = "Selected: press Ctrl C";
  }
  say(button.textContent);
  setTimeout(() => (button.textContent = "Copy"), 2500);
}

// What is pressed.

function seekBy(seconds) {
  player.seek(player.position + seconds);
  show();
}

element("seek").addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 5 : 1;
  const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step, PageUp: 10, PageDown: -10, Home: -1e9, End: 1e9 }[event.key];
  if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  seekBy(by);
});

function seekTo(event) {
  const { left, width } = element("wave").getBoundingClientRect();
  player.seek(((event.clientX - left) / width) * wave.total);
  show();
}

element("seek").addEventListener("pointerdown", (event) => {
  if (event.button) return;
  element("seek").setPointerCapture(event.pointerId);
  seekTo(event);
});
element("seek").addEventListener("pointermove", (event) => {
  if (element("seek").hasPointerCapture(event.pointerId)) seekTo(event);
});

const toggle = () => (player.state === "paused" ? player.play() : player.pause());

element("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  if (current && !current.complete) stop();
  else start();
});
element("play").addEventListener("click", toggle);
player.addEventListener("change", show);
transcript.addEventListener("show", show);
transcript.addEventListener("seek", ({ detail: word }) => {
  player.seek(word.start_s);
  player.play();
});
transcript.addEventListener("correct", ({ detail: { text: corrected, before, word } }) => {
  if (text.value !== before) {
    element("phonemes-hint").textContent = "The text above has changed since; speak it again first.";
    return;
  }
  text.value = corrected;
  changed();
  // Far into a text, it goes on just before the word.
  start(word.start_s > 10 ? word.start_s - 2 : 0);
});

addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    start();
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && !typing) stop();
  else if (event.key === " " && !event.target.closest("input, textarea, select, button, summary, a") && !element("player").hidden) {
    event.preventDefault();
    toggle();
  }
});

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set(element("key").value.trim());
  element("key-form").hidden = true;
  element("error").hidden = true;
  afterKey();
  if (loaded) showCurl();
});

settings.addEventListener("change", showCurl);
element("curl-format").addEventListener("change", showCurl);
element("copy").addEventListener("click", copy);
for (const button of document.querySelectorAll("[data-format]")) button.addEventListener("click", () => download(button));
new ResizeObserver(show).observe(element("wave"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const name of document.querySelectorAll("kbd")) name.textContent = name.textContent.replace("Ctrl", "⌘");
}
load();
