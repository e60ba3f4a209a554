// What is chosen: text, model, voices with shares, speed and the rest; kept from visit to visit.

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
const languageName = new Intl.DisplayNames("en", { type: "language", fallback: "code" });

/** Event `change`: the request is another now. */
export const settings = new EventTarget();

/** What the server has. */
let models = [];
let voices = [];
/** The voices that are chosen, with shares in percent. */
let blend = [];
/** Fields by id that are kept. */
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
export const speed = () => Math.round(20 * 2 ** element("speed").value) / 20;

/** The voice that decides the language. */
function mainVoice() {
  const main = blend.reduce((a, b) => (b.share > a.share ? b : a), blend[0]);
  return chosenVoices().find((voice) => voice.id === main?.id);
}

export const language = () => element("language").value || mainVoice()?.language || "en";

/** The request, without what is as the server has it anyway. */
export function body(format) {
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
  // Several voices take a row of their own, behind the small fields.
  if (blend.length > 1) element("speed-field").after(element("voice-field"));
  else element("model-field").after(element("voice-field"));
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
  element("language").replaceChildren(option("", "usual"), ...options);
  element("language").value = languages.includes(asked) ? asked : "";
  element("language-field").hidden = languages.length < 2;
  drawVoices();
  voiceChanged();
}

/** Tells that something was chosen. */
export function changed() {
  if (!models.length) return;
  const factor = speed();
  element("speed-value").textContent = `${factor}×`;
  element("speed").ariaValueText = `${factor} times`;
  element("voice-language").textContent = mainVoice() ? `· ${languageName.of(mainVoice().language)}` : "";
  text.lang = language();
  text.classList.toggle("code", element("kind").value !== "text");
  save();
  settings.dispatchEvent(new Event("change"));
}

/** Offers what the server has. */
export function offer(catalogue) {
  ({ models, voices } = catalogue);
  const kept = saved();
  element("model").replaceChildren(...models.map((id) => option(id, id)));
  element("model").value = models.includes(kept.model) ? kept.model : catalogue.usual;
  element("model-field").hidden = models.length < 2;
  element("server").textContent = models.length < 2 ? catalogue.usual : "";
  modelChanged(kept);
}

element("compose").addEventListener("input", changed);
element("model").addEventListener("change", () => modelChanged());
element("language").addEventListener("change", voiceChanged);
element("blend").addEventListener("click", addVoice);
element("speed-value").addEventListener("dblclick", () => {
  element("speed").value = 0;
  changed();
});

const kept = saved();
for (const id of FIELDS) if (kept[id] !== undefined && element(id).tagName !== "SELECT") element(id).value = kept[id];
if (kept.kind) element("kind").value = kept.kind;
if (kept.text === undefined) text.value = SAMPLES.en;
element("emoji").checked = Boolean(kept.emoji);
