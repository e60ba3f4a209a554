// The server's API: models, voices, speech as events, and the same request for a shell.

const KEY = "lumivox-key";

/** The server's answer that a request can't be served. */
export class ApiError extends Error {
  constructor(status, { message, param } = {}) {
    super(message || `The server answered with status ${status}.`);
    this.status = status;
    this.param = param;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
};

/** Where an endpoint is, wherever a proxy has put this page. */
const url = (path) => new URL(`v1/${path}`, document.baseURI).href;

async function request(path, options = {}) {
  const headers = { ...options.headers };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(url(path), { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server can’t be reached. Is it still running?");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new ApiError(response.status, body.error);
}

/** The voices of all models, the models that have some, and the one that the server takes where none is named. */
export async function catalogue() {
  // OpenAI's name for a model stands for that one.
  const paths = ["models", "audio/voices", "audio/voices?model=tts-1"];
  const [models, { voices }, usual] = await Promise.all(paths.map(async (path) => (await request(path)).json()));
  const speaking = new Set(voices.map((voice) => voice.model));
  const names = models.data.map(({ id }) => id).filter((id) => speaking.has(id));
  return { models: names, voices, usual: usual.voices[0]?.model ?? names[0] };
}

/** Speech for `body`, as a response whose body streams. */
export const speech = (body, signal) =>
  request("audio/speech", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

/** The events of a response. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      if (part.startsWith("data: ")) yield JSON.parse(part.slice(6));
    }
  }
}

/** Samples of 16 bits out of base64. */
export function samples(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Int16Array.from({ length: bytes.length >> 1 }, (_, i) => view.getInt16(2 * i, true));
}

/** One word for a POSIX shell. */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A command that sends `body` and writes the answer to a file. The key stays out of it. */
export function curl(body, extension) {
  const lines = [
    `curl -fsS ${quoted(url("audio/speech"))}`,
    ...(key.get() ? [`-H "Authorization: Bearer $LUMIVOX_API_KEY"`] : []),
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(body))}`,
    `-o speech.${extension}`,
  ];
  return lines.join(" \\\n  ");
}
