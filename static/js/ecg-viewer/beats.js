// The beats of a recording: when each was, what the model and the doctor say it is, and finding one among many.
((ecg) => {
  "use strict";
  const SINUS_OR_BLOCK = new Set(["N", "L", "R", "?"]); // everything else came early or from elsewhere

  ecg.Beats = class {
    constructor(answer, summary) {
      this.times = Float64Array.from(answer.samples ?? [], (sample) => sample / summary.fs);
      this.names = [...summary.classes];
      this.letters = summary.letters ?? {};
      this.model = Int16Array.from(answer.classes ?? []);
      this.now = this.model.slice(); // with the doctor's word instead of the model's
      this.confidences = answer.confidence ?? [];
      this.heat = answer.heat ?? null;
      this.interrupted = new Set((summary.unanalysable ?? []).map((span) => this.from((span.start_s + span.end_s) / 2)));
      this.sumTo = new Float64Array(this.length + 1); // sum and number of the intervals before beat i
      this.countTo = new Uint32Array(this.length + 1);
      for (let i = 0; i < this.length; i += 1) {
        this.sumTo[i + 1] = this.sumTo[i] + (this.rr(i) ?? 0);
        this.countTo[i + 1] = this.countTo[i] + (this.rr(i) !== null);
      }
      this.overridden = new Map();
      for (const [index, label] of Object.entries(answer.overrides ?? {})) this.override(Number(index), label);
    }

    get length() {
      return this.times.length;
    }

    override(index, label) {
      let at = this.names.indexOf(label);
      if (at < 0) at = this.names.push(label) - 1;
      this.now[index] = at;
      this.overridden.set(index, label);
    }

    // the name of class `at`; -1 is where the model would not decide
    name(at) {
      return at < 0 ? "unsure" : this.names[at];
    }

    letterOf(at) {
      return this.letters[this.name(at)] ?? (at < 0 ? "?" : this.names[at][0].toUpperCase());
    }

    label(index) {
      return this.name(this.now[index]);
    }

    letter(index) {
      return this.letterOf(this.now[index]);
    }

    isPvc(index) {
      return this.letter(index) === "V";
    }

    isEctopic(index) {
      return !SINUS_OR_BLOCK.has(this.letter(index));
    }

    // milliseconds since the beat before; null for the first, and where the signal between them was not analysed
    rr(index) {
      if (index === 0 || this.interrupted.has(index)) return null;
      return Math.round((this.times[index] - this.times[index - 1]) * 1000);
    }

    // mean rate between two times from the intervals that lie within; null where there is none
    rate(from, to) {
      const first = this.from(from) + 1;
      const last = this.from(to);
      const count = last > first ? this.countTo[last] - this.countTo[first] : 0;
      return count ? (60000 * count) / (this.sumTo[last] - this.sumTo[first]) : null;
    }

    // index of the first beat at or after a time
    from(seconds) {
      let low = 0;
      let high = this.times.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.times[middle] < seconds) low = middle + 1;
        else high = middle;
      }
      return low;
    }

    nearest(seconds, within) {
      const after = this.from(seconds);
      const close = [after - 1, after].filter((i) => i >= 0 && i < this.length && Math.abs(this.times[i] - seconds) <= within);
      close.sort((a, b) => Math.abs(this.times[a] - seconds) - Math.abs(this.times[b] - seconds));
      return close[0] ?? null;
    }

    // the next beat (direction 1) or the one before (-1) that passes, seen from a beat or, without one, from a time
    seek(selected, seconds, direction, passes = () => true) {
      let i = selected ?? (direction > 0 ? this.from(seconds) - 1 : this.from(seconds));
      for (i += direction; i >= 0 && i < this.length; i += direction) if (passes(i)) return i;
      return null;
    }

    // `filter` is "all", "overridden", or the name of a class; an overridden beat stands under both of its classes
    choose(filter) {
      const wanted = filter === "unsure" ? -1 : this.names.indexOf(filter);
      const passes = filter === "all" ? () => true
        : filter === "overridden" ? (i) => this.overridden.has(i) : (i) => this.now[i] === wanted || this.model[i] === wanted;
      const chosen = [];
      for (let i = 0; i < this.length; i += 1) if (passes(i)) chosen.push(i);
      return chosen;
    }

    counts() {
      const counts = new Map();
      const add = (at) => counts.set(at, (counts.get(at) ?? 0) + 1);
      this.now.forEach((at, i) => {
        add(at);
        if (this.model[i] !== at) add(this.model[i]);
      });
      return counts;
    }

    // 0 to 255 along the window of a beat, or null; decoded once
    heatOf(index) {
      const value = this.heat?.values[index];
      if (typeof value === "string") {
        this.heat.values[index] = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
      }
      return this.heat?.values[index] ?? null;
    }
  };
})((window.ecgViewer ??= {}));
