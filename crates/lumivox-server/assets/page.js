// The page: what is asked for, and what comes back.

import { ApiError, catalogue, curl, events, key, samples, speech } from "./api.js";
import { Player } from "./player.js";
import { Transcript } from "./transcript.js";
import { Waveform } from "./waveform.js";

const STATE = "lumivox";
const SAMPLES = {
  en: "The lighthouse keeper wrote 3 letters that night, and posted none of them. By morning the fog had lifted, Dr. Hale’s boat was gone, and all the bay lay still as glass.",
  es: "El farero escribió tres cartas aquella noche y no envió ninguna. Por la mañana la niebla se había ido, y la bahía estaba quieta como un espejo.",
  fr: "Cette nuit-là, le gardien du phare écrivit trois lettres et n’en envoya aucune. Au matin, la brume s’était levée, et la baie était lisse comme un miroir.",
  it: "Quella notte il guardiano del faro scrisse tre lettere e non ne spedì nessuna. Al mattino la nebbia era svanita, e la baia era ferma come uno specchio.",
  pt: "Naquela noite o faroleiro escreveu três cartas e não enviou nenhuma. De manhã a neblina tinha sumido, e a baía estava calma como um espelho.",
  de: "In dieser Nacht schrieb der Leuchtturmwärter drei Briefe und schickte keinen ab. Am Morgen war der Nebel fort, und die Bucht lag still wie Glas.",
  hi: "उस रात दीपघर के रखवाले ने तीन चिट्ठियाँ लिखीं, पर एक भी नहीं भेजी। सुबह तक कोहरा छँट गया था, और खाड़ी शीशे की तरह शांत थी।",
  ja: "その夜、灯台守は手紙を三通書いたが、一通も出さなかった。朝には霧が晴れ、湾は鏡のように静かだった。",
  zh: "那天夜里,守灯塔的人写了三封信,一封也没有寄出。清晨雾散了,海湾平静得像一面镜子。",
};

const element = (id) => document.getElementById(id);
const text = element("text");
const player = new Player();
const wave = new Waveform(element("wave"));
const transcript = new Transcript(element("words"));
const languageName = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

/** What the server has. */
let models = [];
let voices = [];
/** The voices that are chosen, with shares in percent. */
let blend = [];
/** The speech that is coming: `{ abort, complete, … }`. */
let current = null;
/** What a key is needed for. */
let afterKey = () => start();

// What is chosen, kept from visit to visit.

const FIELDS = ["text", "model", "speed", "kind", "language", "sentence-silence", "paragraph-silence", "seed"];

function save() {
  const state = Object.fromEntries(FIELDS.map((id) => [id, element(id).value]));
  try {
    localStorage.setItem(STATE, JSON.stringify({ ...state, emoji: element("emoji").checked, blend }));
  } catch {
    // Private windows may keep nothing.
  }
}

function saved() {
  try {
    return JSON.parse(localStorage.getItem(STATE)) ?? {};
  } catch {
    return {};
  }
}

const chosenVoices = () => voices.filter((voice) => voice.model === element("model").value);
const speed = () => Math.round(20 * 2 ** element("speed").value) / 20;

/** The voice that decides the language. */
function mainVoice() {
  const main = blend.reduce((a, b) => (b.share > a.share ? b : a), blend[0]);
  return chosenVoices().find((voice) => voice.id === main?.id);
}

const language = () => element("language").value || mainVoice()?.language || "en";

/** The request, without what is as the server has it anyway. */
function body(format) {
  const number = (id) => (element(id).value === "" ? undefined : Number(element(id).value));
  const voice = blend.length > 1 ? blend.map(({ id, share }) => `${id}:${share}`).join(",") : blend[0]?.id;
  const kind = element("kind").value;
  return {
    model: element("model").value,
    input: text.value,
    voice: chosenVoices().length > 1 ? voice : undefined,
    response_format: format,
    speed: speed() === 1 ? undefined : speed(),
    seed: number("seed"),
    lang: element("language").value || undefined,
    input_type: kind === "text" ? undefined : kind,
    emoji: element("emoji").checked || undefined,
    sentence_silence: number("sentence-silence"),
    paragraph_silence: number("paragraph-silence"),
  };
}

// Models, voices, languages.

function option(value, label) {
  const made = document.createElement("option");
  [made.value, made.textContent] = [value, label];
  return made;
}

const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

/** Kokoro's voices are named `af_heart`: a language, a gender, a name. */
function describe({ id, language }) {
  const [, gender, name] = /^[a-z]([fm])_(.+)$/.exec(id) ?? [];
  const group = languageName.of(language) + (gender ? `, ${gender === "f" ? "female" : "male"}` : "");
  return { group, name: name ? capital(name) : id };
}

function voiceOptions(select) {
  const groups = new Map();
  for (const voice of chosenVoices()) {
    const { group: label, name } = describe(voice);
    if (!groups.has(label)) groups.set(label, Object.assign(document.createElement("optgroup"), { label }));
    groups.get(label).append(option(voice.id, name));
  }
  select.replaceChildren(...groups.values());
}

/** Sets one share and lets the others keep theirs among themselves. */
function setShare(index, share) {
  const rest = 100 - share;
  const others = blend.filter((_, i) => i !== index);
  const total = others.reduce((sum, other) => sum + other.share, 0);
  others.forEach((other) => (other.share = Math.max(1, Math.round((other.share * rest) / total))));
  blend[index].share = 100 - others.reduce((sum, other) => sum + other.share, 0);
}

function addVoice() {
  const taken = new Set(blend.map(({ id }) => id));
  const { language } = mainVoice();
  const free = chosenVoices().filter((voice) => !taken.has(voice.id));
  const next = free.find((voice) => voice.language === language) ?? free[0];
  blend.push({ id: next.id, share: 1 });
  blend.forEach((part, i) => (part.share = Math.floor(100 / blend.length) + (i < 100 % blend.length ? 1 : 0)));
  drawVoices();
  element(`voice-${blend.length - 1}`).focus();
  changed();
}

function removeVoice(index) {
  const [gone] = blend.splice(index, 1);
  if (blend.length === 1) blend[0].share = 100;
  else setShare(0, Math.round((blend[0].share * 100) / (100 - gone.share)));
  drawVoices();
  element(`voice-${Math.max(0, index - 1)}`).focus();
  changed();
}

function drawVoices() {
  element("voices").replaceChildren(...blend.map(voiceRow));
  element("voice-field").hidden = chosenVoices().length < 2;
  element("voice-field").classList.toggle("blended", blend.length > 1);
  element("blend").hidden = blend.length > 2 || blend.length >= chosenVoices().length;
  element("blend").textContent = blend.length > 1 ? "Add a third" : "Blend";
  showShares();
}

function voiceRow(part, index) {
  const row = document.createElement("div");
  row.className = "voice";
  const select = document.createElement("select");
  select.id = `voice-${index}`;
  if (index) select.ariaLabel = `Voice ${index + 1}`;
  voiceOptions(select);
  select.value = part.id;
  select.addEventListener("change", () => {
    part.id = select.value;
    voiceChanged();
  });
  row.append(select);
  if (blend.length === 1) return row;
  const share = document.createElement("input");
  Object.assign(share, { type: "range", min: 1, max: 101 - blend.length, className: "share", ariaLabel: `Share of voice ${index + 1}` });
  share.addEventListener("input", () => {
    setShare(index, Number(share.value));
    showShares();
    voiceChanged();
  });
  const percent = document.createElement("output");
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "remove", textContent: "×", ariaLabel: `Remove voice ${index + 1}` });
  remove.addEventListener("click", () => removeVoice(index));
  row.append(share, percent, remove);
  return row;
}

function showShares() {
  const rows = element("voices").children;
  if (blend.length < 2) return;
  blend.forEach(({ share }, i) => {
    rows[i].querySelector("input").value = share;
    rows[i].querySelector("input").ariaValueText = `${share} percent`;
    rows[i].querySelector("output").textContent = `${share} %`;
  });
}

/** An untouched sample follows the voice's language. */
function voiceChanged() {
  const sample = SAMPLES[language().split("-")[0]];
  if (sample && element("kind").value === "text" && Object.values(SAMPLES).includes(text.value)) text.value = sample;
  changed();
}

function modelChanged(kept = {}) {
  const known = new Map(chosenVoices().map((voice) => [voice.id, voice]));
  const before = (kept.blend ?? blend).filter(({ id }) => known.has(id));
  const usual = known.has("af_heart") ? "af_heart" : known.keys().next().value;
  blend = before.length ? before : [{ id: usual, share: 100 }];
  if (blend.length === 1) blend[0].share = 100;
  const languages = [...new Set(chosenVoices().map((voice) => voice.language))];
  const options = languages.map((code) => option(code, languageName.of(code)));
  const asked = kept.language ?? element("language").value;
  element("language").replaceChildren(option("", "the voice’s own"), ...options);
  element("language").value = languages.includes(asked) ? asked : "";
  element("language-field").hidden = languages.length < 2;
  drawVoices();
  voiceChanged();
}

async function load() {
  let usual;
  try {
    ({ models, voices, usual } = await catalogue());
  } catch (error) {
    return fail(error, load);
  }
  const kept = saved();
  element("model").replaceChildren(...models.map((id) => option(id, id)));
  if (!models.length) return fail(new Error("No model is installed. Pull one: lumivox pull kokoro"));
  element("model").value = models.includes(kept.model) ? kept.model : usual;
  element("model-field").hidden = models.length < 2;
  element("server").textContent = models.length < 2 ? usual : "";
  modelChanged(kept);
}

// Speaking.

function changed() {
  if (!models.length) return;
  const factor = speed();
  element("speed-value").textContent = `${factor}×`;
  element("speed").ariaValueText = `${factor} times`;
  text.lang = language();
  element("voice-language").textContent = mainVoice() ? `· ${languageName.of(mainVoice().language)}` : "";
  text.classList.toggle("code", element("kind").value !== "text");
  showCurl();
  save();
}

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
  if (models.length) afterKey();
  else load();
  showCurl();
});

element("compose").addEventListener("input", changed);
element("model").addEventListener("change", () => modelChanged());
element("language").addEventListener("change", voiceChanged);
element("blend").addEventListener("click", addVoice);
element("speed-value").addEventListener("dblclick", () => {
  element("speed").value = 0;
  changed();
});
element("curl-format").addEventListener("change", showCurl);
element("copy").addEventListener("click", copy);
for (const button of document.querySelectorAll("[data-format]")) button.addEventListener("click", () => download(button));
new ResizeObserver(show).observe(element("wave"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

const kept = saved();
for (const id of FIELDS) if (kept[id] !== undefined && element(id).tagName !== "SELECT") element(id).value = kept[id];
if (kept.kind) element("kind").value = kept.kind;
if (kept.text === undefined) text.value = SAMPLES.en;
element("emoji").checked = Boolean(kept.emoji);
if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const name of document.querySelectorAll("kbd")) name.textContent = name.textContent.replace("Ctrl", "⌘");
}
load();
