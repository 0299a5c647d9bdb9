// The signal in pieces: tiles of 2048 columns at resolutions that are powers of two, so that neighbouring windows and zooms
// ask for the same pieces. What is not there yet is drawn from a coarser tile that is.
((ecg) => {
  "use strict";
  const COLUMNS = 2048;
  const KEPT = 150; // tiles; about 8 MB for three leads
  const PENDING = 4;
  const PAUSE_MS = 40; // a fast pan asks for where it comes to rest, not for all it passes
  const RETRY_MS = 4000;

  const unpack = (answer) => ({
    from: answer.from_s,
    step: answer.step_s,
    kind: answer.kind,
    leads: Object.fromEntries(Object.entries(answer.leads).map(([name, values]) =>
      [name, Float32Array.from(values, (value) => (value === null ? NaN : value / 1000))])),
  });

  ecg.Tiles = class {
    constructor({ url, fs, duration, arrived, failed }) {
      Object.assign(this, { url, fs, duration, arrived, failed });
      this.finest = Math.ceil(Math.log2(fs / 1.5)); // the server sends samples from two a column down
      this.coarsest = Math.min(this.finest, Math.floor(Math.log2(COLUMNS / duration)));
      this.kept = new Map();
      this.pending = new Map();
      this.broken = new Map();
      this.leads = [];
      this.queue = [];
    }

    // samples where they are few enough to draw, else at least one column for each device pixel
    level(view, ratio) {
      const columns = view.pixelsPerSecond * ratio;
      if (this.fs <= 6 * columns) return this.finest;
      return Math.max(this.coarsest, Math.min(this.finest, Math.ceil(Math.log2(columns))));
    }

    span(level) {
      return COLUMNS / 2 ** level;
    }

    range(level, from, to) {
      const last = Math.floor((this.duration - 1e-6) / this.span(level));
      const first = Math.max(0, Math.floor(from / this.span(level)));
      return [Math.min(first, last), Math.min(last, Math.floor(to / this.span(level)))];
    }

    key(level, index) {
      return `${level}/${index}/${this.leads.join()}`;
    }

    // the tile itself or the nearest coarser one that has arrived
    find(level, index) {
      for (let up = 0; level - up >= this.coarsest; up += 1) {
        const found = this.kept.get(this.key(level - up, index >> up));
        if (found) return found;
      }
      return null;
    }

    // Says what is seen now: asks for that, then for the samples under the calipers, the neighbours and two zooms out; drops
    // requests for anything else.
    want(view, ratio, leads, { heading = 0, measured = [] } = {}) {
      this.leads = leads;
      const level = this.shown = this.level(view, ratio);
      const [first, last] = this.range(level, view.start, view.end);
      const wanted = [];
      const add = (at, index) => {
        const [, end] = this.range(at, 0, this.duration);
        const key = this.key(at, index);
        if (index >= 0 && index <= end && at >= this.coarsest && !wanted.some((tile) => tile.key === key)) wanted.push({ key, level: at, index });
      };
      for (let index = first; index <= last; index += 1) add(level, index);
      const needed = new Set(wanted.map((tile) => tile.key));
      for (const time of measured) add(this.finest, this.range(this.finest, time, time)[0]);
      add(level, heading < 0 ? first - 1 : last + 1);
      add(level, heading < 0 ? last + 1 : first - 1);
      add(level - 1, first >> 1);
      add(level - 2, first >> 2);
      const keys = new Set(wanted.map((tile) => tile.key));
      for (const [key, request] of this.pending) {
        if (!keys.has(key)) {
          request.abort();
          this.pending.delete(key);
        }
      }
      this.queue = wanted.filter((tile) => !this.kept.has(tile.key));
      this.complete = !this.queue.some((tile) => needed.has(tile.key));
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.pump();
      }, PAUSE_MS);
    }

    // the tiles of a view, at the level last asked for
    seen(view) {
      const [first, last] = this.range(this.shown, view.start, view.end);
      return { level: this.shown, first, last };
    }

    pump() {
      const now = performance.now();
      for (const tile of this.queue) {
        if (this.pending.size >= PENDING) return;
        if (this.pending.has(tile.key) || this.kept.has(tile.key) || now < (this.broken.get(tile.key) ?? 0)) continue;
        this.load(tile);
      }
    }

    async load({ key, level, index }) {
      const request = new AbortController();
      this.pending.set(key, request);
      const from = index * this.span(level);
      const seconds = Math.min(this.span(level), this.duration - from);
      const query = new URLSearchParams({
        from: from.toFixed(6), seconds: seconds.toFixed(6), columns: Math.max(1, Math.ceil(seconds * 2 ** level)), leads: this.leads.join(),
      });
      try {
        this.keep(key, unpack(await ecg.getJson(`${this.url}?${query}`, { signal: request.signal })));
        this.arrived();
      } catch (error) {
        if (error.name === "AbortError") return;
        this.broken.set(key, performance.now() + RETRY_MS);
        this.failed(error);
      } finally {
        if (this.pending.get(key) === request) this.pending.delete(key);
        this.pump();
      }
    }

    keep(key, tile) {
      this.kept.set(key, tile);
      for (const old of this.kept.keys()) {
        if (this.kept.size <= KEPT) break;
        this.kept.delete(old);
      }
    }

    // seen tiles are the last to be dropped
    touch(level, index) {
      const key = this.key(level, index);
      const tile = this.kept.get(key);
      if (!tile) return;
      this.kept.delete(key);
      this.kept.set(key, tile);
    }

    // millivolt of a lead at a time, between two samples; null where there is none or only an envelope
    value(lead, seconds) {
      const [index] = this.range(this.finest, seconds, seconds);
      const tile = this.kept.get(this.key(this.finest, index));
      if (tile?.kind !== "samples" || !tile.leads[lead]) return null;
      const at = (seconds - tile.from) / tile.step;
      const before = tile.leads[lead][Math.floor(at)];
      const after = tile.leads[lead][Math.ceil(at)] ?? before;
      const value = before + (after - before) * (at - Math.floor(at));
      return Number.isFinite(value) ? value : null;
    }
  };
})((window.ecgViewer ??= {}));
