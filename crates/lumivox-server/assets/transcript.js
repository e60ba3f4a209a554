// The text as it is spoken: a word that sounds is marked, and each tells its phonemes and takes others.

const MARKUP = /\[([^[\]\n]+)\]\((?:\/[^/()\n]+\/|[-+]?\d(?:\.5)?)\)/gu;
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" };
const escaped = (text) => text.replace(/[&<>"]/g, (c) => Object.keys(ENTITIES).find((name) => ENTITIES[name] === c));

/** What some symbols stand for. */
const MEANINGS = {
  A: "as in day", I: "as in my", O: "as in go", W: "as in now", Y: "as in boy", Q: "as in British go",
  ə: "as in about", ɚ: "as in her", ᵊ: "a short, weak vowel", ᵻ: "as in roses",
  ð: "as in this", θ: "as in think", ʃ: "as in ship", ʒ: "as in vision", ʤ: "as in jump", ʧ: "as in chin",
  ŋ: "as in sing", ɹ: "as in red", ɾ: "as in American water",
  "ˈ": "main stress, before the vowel", "ˌ": "lesser stress", "ː": "long",
};

/** A stretch of the source as it is read: without markup. */
function plain(source, kind) {
  if (kind === "text") return source.replace(MARKUP, "$1");
  if (kind === "ssml") return source.replace(/<[^>]*>/g, "").replace(/&\w+;/g, (name) => ENTITIES[name] ?? name);
  return source;
}

/** For every byte of the text in UTF-8 its index in the string. */
function indices(text) {
  const map = [];
  let index = 0;
  for (const c of text) {
    const code = c.codePointAt(0);
    const bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (let i = 0; i < bytes; i++) map.push(index);
    index += c.length;
  }
  map.push(index);
  return map;
}

/** What stands between words. */
function gap(text) {
  const span = document.createElement("span");
  span.className = "gap";
  span.textContent = text;
  return span;
}

const element = (id) => document.getElementById(id);

/** Events: `seek` and `show` with a word, `correct` with the new text and the word. */
export class Transcript extends EventTarget {
  words = [];
  #root;
  #popover = element("phonemes");
  #field = element("correction");
  #text = "";
  #kind = "text";
  #index = [0];
  /** From here on no word has come. */
  #cursor = 0;
  #tail = document.createElement("span");
  #current = -1;
  #shown = null;
  #timer = 0;
  /** When someone scrolled: the text does not follow for a while. */
  #scrolled = 0;

  constructor(root) {
    super();
    this.#root = root;
    this.#listen();
    this.#listenInPopover();
  }

  /** Whose phonemes are shown. */
  get shown() {
    return this.#shown;
  }

  get text() {
    return this.#text;
  }

  get bytes() {
    return this.#index.length - 1;
  }

  start(text, kind, language) {
    this.hide();
    this.words = [];
    this.#text = text;
    this.#kind = kind;
    this.#index = indices(text);
    this.#cursor = 0;
    this.#current = -1;
    this.#tail = gap(plain(text, kind));
    this.#root.replaceChildren(this.#tail);
    this.#root.scrollTop = 0;
    this.#root.lang = language;
  }

  add(words) {
    const fragment = document.createDocumentFragment();
    for (const word of words) this.#append(word, fragment);
    this.#root.insertBefore(fragment, this.#tail);
    this.#tail.textContent = plain(this.#text.slice(this.#cursor), this.#kind);
  }

  #append({ start_byte, end_byte, start_s, end_s, phonemes }, fragment) {
    const [from, to] = [this.#index[start_byte], this.#index[end_byte]];
    const last = this.words.at(-1);
    if (last && from < this.#cursor) {
      // Two words of one stretch are shown as one.
      last.end_s = end_s;
      last.phonemes.push({ symbol: " ", start_s, end_s: start_s }, ...phonemes);
      return;
    }
    fragment.append(gap(plain(this.#text.slice(this.#cursor, from), this.#kind)));
    const source = this.#text.slice(from, to);
    const written = plain(source, this.#kind);
    const span = document.createElement("span");
    span.className = "word";
    span.role = "button";
    span.tabIndex = this.words.length ? -1 : 0;
    span.dataset.index = this.words.length;
    span.textContent = written;
    span.classList.toggle("corrected", this.#kind === "text" ? source !== written : /^<phoneme/.test(source));
    fragment.append(span);
    this.words.push({ from, to, start_s, end_s, phonemes, written, span });
    this.#cursor = to;
  }

  /** All was spoken; stretches of bytes that were not are marked. */
  finish(unspoken) {
    const skipped = unspoken.map(([start, end]) => [this.#index[start], this.#index[end]]);
    let at = 0;
    for (const part of this.#root.children) {
      if (part.dataset.index) {
        at = this.words[part.dataset.index].to;
        continue;
      }
      const [from, node] = [at, part.firstChild];
      if (!node) continue;
      at += node.data.length;
      if (!this.#text.startsWith(node.data, from)) continue;
      for (const [start, end] of skipped.filter(([start, end]) => start >= from && end <= at).reverse()) {
        const rest = node.splitText(start - from);
        rest.splitText(end - start);
        const mark = document.createElement("span");
        mark.className = "unspoken";
        mark.title = "Not spoken";
        rest.replaceWith(mark);
        mark.append(rest);
      }
    }
  }

  /** Marks the word that sounds at a time. */
  highlight(seconds, follow) {
    let [low, high] = [0, this.words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle].start_s <= seconds) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index === this.#current || (seconds === Infinity && this.#current === this.words.length)) return;
    const [before, after] = [Math.min(this.#current, index), Math.max(this.#current, index)];
    for (let i = Math.max(before, 0); i <= after && i < this.words.length; i++) {
      const { classList } = this.words[i].span;
      classList.toggle("said", i <= index);
      classList.toggle("now", i === index);
    }
    this.words[this.#current]?.span.removeAttribute("aria-current");
    this.#current = index;
    const word = this.words[index];
    word?.span.setAttribute("aria-current", "true");
    if (word && follow && Date.now() - this.#scrolled > 4000) this.#follow(word.span);
  }

  /** All is said: no word sounds. */
  rest() {
    this.highlight(Infinity, false);
    this.words[this.#current]?.span.classList.remove("now");
    this.words[this.#current]?.span.removeAttribute("aria-current");
    this.#current = this.words.length;
  }

  get current() {
    return this.words[this.#current];
  }

  #follow(span) {
    const [box, word] = [this.#root.getBoundingClientRect(), span.getBoundingClientRect()];
    if (word.top < box.top || word.bottom > box.bottom - word.height) {
      this.#root.scrollTop += word.top - box.top - box.height / 3;
    }
  }

  #wordOf(target) {
    const span = target instanceof Element ? target.closest(".word") : null;
    return span && this.words[span.dataset.index];
  }

  #listen() {
    const root = this.#root;
    const later = (what, ms) => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(what, ms);
    };
    const leave = (event) => {
      if (event.pointerType === "mouse" && !this.#popover.contains(document.activeElement)) later(() => this.hide(), 250);
    };
    root.addEventListener("pointerover", (event) => {
      const word = this.#wordOf(event.target);
      if (!word || event.pointerType !== "mouse" || this.#popover.contains(document.activeElement)) return;
      later(() => this.show(word), 120);
    });
    root.addEventListener("pointerout", leave);
    this.#popover.addEventListener("pointerover", () => clearTimeout(this.#timer));
    this.#popover.addEventListener("pointerout", leave);
    root.addEventListener("click", (event) => {
      const word = this.#wordOf(event.target);
      if (word && getSelection().isCollapsed) this.#goTo(word);
    });
    root.addEventListener("focusin", (event) => {
      const word = this.#wordOf(event.target);
      if (!word) return;
      for (const span of root.querySelectorAll('[tabindex="0"]')) span.tabIndex = -1;
      word.span.tabIndex = 0;
      this.show(word);
    });
    for (const part of [root, this.#popover]) {
      part.addEventListener("focusout", ({ relatedTarget: to }) => {
        if (!this.#popover.contains(to) && !this.#wordOf(to)) later(() => this.hide(), 100);
      });
    }
    root.addEventListener("keydown", (event) => this.#key(event));
    for (const what of ["wheel", "touchmove"]) {
      root.addEventListener(what, () => (this.#scrolled = Date.now()), { passive: true });
    }
    root.addEventListener("scroll", () => this.#place());
    addEventListener("scroll", () => this.#place(), { passive: true });
    addEventListener("resize", () => this.#place());
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#shown) return;
      event.stopImmediatePropagation();
      event.preventDefault();
      const word = this.#shown;
      if (this.#popover.contains(document.activeElement)) word.span.focus({ preventScroll: true });
      this.hide();
    });
  }

  #goTo(word) {
    this.dispatchEvent(new CustomEvent("seek", { detail: word }));
  }

  #key(event) {
    const word = this.#wordOf(event.target);
    if (!word || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.words.indexOf(word);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: this.words.length - 1 }[event.key];
    if (to !== undefined) this.words[to]?.span.focus();
    else if (event.key === "Enter" || event.key === " ") this.#goTo(word);
    else if (event.key === "F2") this.#field.select();
    else return;
    event.preventDefault();
  }

  #listenInPopover() {
    this.#popover.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#correct(this.#field.value);
    });
    element("as-written").addEventListener("click", () => this.#correct(null));
    this.#field.addEventListener("input", () => this.#field.setCustomValidity(""));
    // A press of a symbol leaves the cursor where it is.
    element("symbols").addEventListener("pointerdown", (event) => event.preventDefault());
    element("symbols").addEventListener("click", (event) => {
      if (!(event.target instanceof HTMLButtonElement)) return;
      this.#field.setRangeText(event.target.textContent, this.#field.selectionStart, this.#field.selectionEnd, "end");
      this.#field.setCustomValidity("");
      this.#field.focus();
    });
    new ResizeObserver(() => this.#place()).observe(this.#popover);
  }

  show(word) {
    clearTimeout(this.#timer);
    if (this.#shown === word) return;
    this.#shown?.span.classList.remove("shown");
    this.#shown = word;
    word.span.classList.add("shown");
    element("phonemes-word").textContent = word.written;
    const sounds = word.phonemes.map(({ symbol, start_s, end_s }) => {
      const cell = document.createElement("span");
      cell.textContent = symbol;
      cell.style.flexGrow = Math.round(1000 * (end_s - start_s));
      cell.title = `${Math.round(1000 * (end_s - start_s))} ms`;
      return cell;
    });
    element("phonemes-strip").replaceChildren(...sounds);
    this.#field.value = word.phonemes.map(({ symbol }) => symbol).join("");
    this.#field.setCustomValidity("");
    element("as-written").hidden = !word.span.classList.contains("corrected");
    element("phonemes-hint").textContent = "";
    this.#offerSymbols();
    this.#popover.showPopover();
    this.#place();
    this.dispatchEvent(new CustomEvent("show", { detail: word }));
  }

  hide() {
    clearTimeout(this.#timer);
    if (!this.#shown) return;
    this.#shown.span.classList.remove("shown");
    this.#shown = null;
    this.#popover.hidePopover();
  }

  /** Symbols that the model has used for this text: it knows all of them. */
  #offerSymbols() {
    const used = new Set(["ˈ", "ˌ"]);
    for (const word of this.words) for (const { symbol } of word.phonemes) if (symbol.trim()) used.add(symbol);
    const buttons = [...used].sort((a, b) => a.localeCompare(b)).map((symbol) => {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = -1;
      button.textContent = symbol;
      button.title = MEANINGS[symbol] ?? "";
      return button;
    });
    element("symbols").replaceChildren(...buttons);
  }

  /** Puts the popover under its word, or above where there is more room. */
  #place() {
    if (!this.#shown) return;
    const [word, box] = [this.#shown.span.getBoundingClientRect(), this.#root.getBoundingClientRect()];
    const editing = this.#popover.contains(document.activeElement);
    if (!editing && (word.bottom < box.top || word.top > box.bottom)) return this.hide();
    const { offsetWidth: width, offsetHeight: height } = this.#popover;
    const { clientWidth, clientHeight } = document.documentElement;
    const below = word.bottom + 8;
    const top = below + height > clientHeight && word.top - 8 - height > 0 ? word.top - 8 - height : below;
    const left = Math.min(Math.max(word.left + word.width / 2 - width / 2, 8), clientWidth - width - 8);
    this.#popover.style.top = `${top}px`;
    this.#popover.style.left = `${left}px`;
  }

  /** Writes phonemes for the word that is shown, or the word alone, into the text. */
  #correct(phonemes) {
    const word = this.#shown;
    const asked = phonemes?.trim();
    const wrong = this.#wrong(word, asked);
    if (wrong) {
      this.#field.setCustomValidity(wrong);
      this.#field.reportValidity();
      return;
    }
    const source = asked === undefined ? this.#unmarked(word) : this.#marked(word, asked);
    const text = this.#text.slice(0, word.from) + source + this.#text.slice(word.to);
    this.dispatchEvent(new CustomEvent("correct", { detail: { text, before: this.#text, word } }));
  }

  #marked({ written }, phonemes) {
    if (this.#kind === "phonemes") return phonemes;
    if (this.#kind === "ssml") return `<phoneme alphabet="ipa" ph="${escaped(phonemes)}">${escaped(written)}</phoneme>`;
    return `[${written}](/${phonemes}/)`;
  }

  #unmarked({ written }) {
    return this.#kind === "ssml" ? escaped(written) : written;
  }

  #wrong({ written }, phonemes) {
    if (phonemes === "") return "Write at least one phoneme.";
    if (this.#kind !== "text" || phonemes === undefined) return "";
    if (/[/()\n]/.test(phonemes)) return "Phonemes can’t have a slash or brackets.";
    if (/[[\]\n]/.test(written)) return "A word with square brackets can’t be corrected here.";
    return "";
  }
}
