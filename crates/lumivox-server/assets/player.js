// Plays samples as they arrive: pieces follow each other to the sample, and every beginning and end between them is faded.

export const RATE_HZ = 24000;

/** What is handed to the audio device ahead of time; the rest stays as it came. */
const AHEAD = 20 * RATE_HZ;
const PIECE = 4 * RATE_HZ;
/** Between the decision to start and the first sample. */
const LEAD = 0.05 * RATE_HZ;
/** What must be there before a start, unless it is all. */
const ENOUGH = 0.12 * RATE_HZ;
const FADE = 0.008 * RATE_HZ;

/** Events: `change` when `state` may be another. Times are in seconds. */
export class Player extends EventTarget {
  #context = null;
  /** `{ start, samples }`, in order. */
  #chunks = [];
  #length = 0;
  #complete = false;
  #paused = 0;
  /**
   * What is sounding: `origin` is the sample of the context's clock at which sample 0 would sound, `next` the first sample that
   * is not scheduled.
   */
  #run = null;

  get duration() {
    return this.#length / RATE_HZ;
  }

  get position() {
    return this.#at() / RATE_HZ;
  }

  /** `playing`, `waiting` for audio, or `paused`. */
  get state() {
    if (!this.#run) return "paused";
    return this.#run.starved ? "waiting" : "playing";
  }

  get ended() {
    return this.#complete && this.#length > 0 && this.#at() >= this.#length;
  }

  /** Forgets all, to play what comes from `from` on. Must be called by a gesture: browsers give no sound otherwise. */
  begin(from = 0) {
    this.#silence();
    this.#chunks = [];
    this.#length = 0;
    this.#complete = false;
    this.#paused = Math.round(from * RATE_HZ);
    this.play();
  }

  push(samples) {
    if (!samples.length) return;
    this.#chunks.push({ start: this.#length, samples });
    this.#length += samples.length;
    this.#fill();
  }

  /** Nothing more will come. */
  finish() {
    this.#complete = true;
    this.#paused = Math.min(this.#paused, this.#length);
    if (this.#run && this.#run.next > this.#length) this.seek(0);
    this.#fill();
    this.#check();
  }

  play() {
    if (this.#run) return;
    this.#context ??= new AudioContext({ sampleRate: RATE_HZ });
    this.#context.resume();
    if (this.ended) this.#paused = 0;
    const gain = this.#context.createGain();
    gain.connect(this.#context.destination);
    const from = this.#paused;
    this.#run = { gain, from, next: from, origin: 0, starved: true, tail: null, sources: new Set() };
    this.#fill();
    this.#changed();
  }

  pause() {
    this.#paused = this.#at();
    this.#silence();
    this.#changed();
  }

  seek(seconds) {
    const playing = this.#run !== null;
    this.#silence();
    this.#paused = Math.min(Math.max(Math.round(seconds * RATE_HZ), 0), this.#length);
    if (playing) this.play();
    this.#changed();
  }

  /** The sample that is heard now. */
  #at() {
    const run = this.#run;
    if (!run) return this.#paused;
    if (run.starved) return run.next;
    const latency = this.#context.outputLatency || this.#context.baseLatency || 0;
    const heard = Math.round((this.#context.currentTime - latency) * RATE_HZ) - run.origin;
    return Math.min(Math.max(heard, run.from), run.next);
  }

  /** Schedules what is there and due. */
  #fill() {
    const run = this.#run;
    if (!run) return;
    const now = Math.round(this.#context.currentTime * RATE_HZ);
    let fadeIn = false;
    if (run.tail && this.#length > run.tail.to) {
      if (run.origin + run.tail.from > now + FADE) {
        // It has not begun: it need not fade, since more has come.
        this.#drop(run.tail.source);
        run.next = run.tail.from;
      } else {
        fadeIn = true;
      }
      run.tail = null;
    }
    if (!run.starved && run.origin + run.next <= now) run.starved = true;
    if (run.starved) {
      const there = this.#length - run.next;
      if (there <= 0 || (!this.#complete && there < ENOUGH)) return;
      run.starved = false;
      run.origin = now + LEAD - run.next;
      run.from = run.next;
      fadeIn = run.next > 0;
      this.#changed();
    }
    // While more may come, the last of what is there fades, in case it comes late.
    const solid = this.#complete ? this.#length : Math.max(this.#length - FADE, run.next);
    const horizon = Math.min(solid, now - run.origin + AHEAD);
    while (run.next < horizon) {
      const to = Math.min(run.next + PIECE, solid);
      this.#schedule(run.next, to, fadeIn, false);
      fadeIn = false;
      run.next = to;
    }
    if (run.next === solid && solid < this.#length) {
      run.tail = { from: solid, to: this.#length, source: this.#schedule(solid, this.#length, fadeIn, true) };
      run.next = this.#length;
    }
  }

  #schedule(from, to, fadeIn, fadeOut) {
    const run = this.#run;
    const buffer = this.#context.createBuffer(1, to - from, RATE_HZ);
    const data = buffer.getChannelData(0);
    this.#copy(from, data);
    const edge = Math.min(FADE, data.length);
    for (let i = 0; i < edge; i++) {
      if (fadeIn) data[i] *= i / edge;
      if (fadeOut) data[data.length - 1 - i] *= i / edge;
    }
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(run.gain);
    source.onended = () => {
      run.sources.delete(source);
      if (run !== this.#run) return;
      this.#fill();
      this.#check();
    };
    source.start((run.origin + from) / RATE_HZ);
    run.sources.add(source);
    return source;
  }

  #copy(from, data) {
    let index = this.#chunks.findLastIndex((chunk) => chunk.start <= from);
    for (let done = 0; done < data.length; index++) {
      const { start, samples } = this.#chunks[index];
      const offset = from + done - start;
      const count = Math.min(samples.length - offset, data.length - done);
      for (let i = 0; i < count; i++) data[done + i] = samples[offset + i] / 32768;
      done += count;
    }
  }

  #drop(source) {
    source.onended = null;
    source.stop();
    source.disconnect();
    this.#run.sources.delete(source);
  }

  /** Sees whether the end was reached, or what is there. */
  #check() {
    const run = this.#run;
    if (!run || run.sources.size) return;
    if (this.#complete && run.next >= this.#length) {
      this.#paused = this.#length;
      this.#silence();
    } else {
      run.starved = true;
    }
    this.#changed();
  }

  /** Ends what is sounding, without a click. */
  #silence() {
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    const now = this.#context.currentTime;
    const end = now + FADE / RATE_HZ;
    run.gain.gain.setValueAtTime(1, now);
    run.gain.gain.linearRampToValueAtTime(0, end);
    for (const source of run.sources) source.stop(end);
    // A context that runs keeps a phone's audio awake.
    setTimeout(() => this.#run || this.#context.suspend(), 1000);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
