// Time of day and elapsed time of a recording: writing them, reading what a person typed, and where an axis has its ticks.
((ecg) => {
  "use strict";
  const DAY = 86400;
  const STEPS = [0.2, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];
  const two = (value) => String(value).padStart(2, "0");

  // A recorder's clock has no zone: what it said is shown, whatever zone the reader sits in.
  const wallClock = (text) => {
    const found = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?/.exec(text ?? "");
    if (!found) return null;
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 + Number(found[7] ?? 0);
  };

  const parts = (seconds, digits) => {
    const scale = 10 ** digits;
    const whole = Math.max(0, Math.round(seconds * scale));
    const total = Math.floor(whole / scale);
    const rest = digits ? `.${String(whole % scale).padStart(digits, "0")}` : "";
    return { hours: Math.floor(total / 3600), minutes: Math.floor(total / 60) % 60, seconds: total % 60, rest };
  };

  ecg.Clock = class {
    constructor(startedAt) {
      this.start = wallClock(startedAt);
      this.ofDay = this.start !== null;
    }

    get known() {
      return this.start !== null;
    }

    // seconds of the day at which the recording begins
    get offset() {
      return this.ofDay ? this.start % DAY : 0;
    }

    text(seconds, digits = 0) {
      const at = parts(this.ofDay ? (this.start % DAY) + seconds : seconds, digits);
      const hours = this.ofDay ? two(at.hours % 24) : at.hours;
      return `${hours}:${two(at.minutes)}:${two(at.seconds)}${at.rest}`;
    }

    date(seconds) {
      if (!this.ofDay) return "";
      const options = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
      return new Date((this.start + seconds) * 1000).toLocaleDateString("en-GB", options);
    }

    // "9:41", "09:41:07.5" or, since the beginning, "754" seconds; null where it is none of these
    parse(text) {
      const found = /^\s*(?:(\d+):)?(?:(\d{1,2}):)?(\d+(?:[.,]\d+)?)\s*s?\s*$/.exec(text);
      if (!found) return null;
      const last = Number(found[3].replace(",", "."));
      if (found[1] === undefined) return last;
      const first = Number(found[1]);
      if (last >= 60 || Number(found[2] ?? 0) >= 60) return null;
      if (!this.ofDay) return found[2] === undefined ? first * 60 + last : first * 3600 + Number(found[2]) * 60 + last;
      const ofDay = found[2] === undefined ? first * 3600 + last * 60 : first * 3600 + Number(found[2]) * 60 + last;
      if (first > 23) return null;
      return (((ofDay - this.offset) % DAY) + DAY) % DAY; // the first time the clock showed it
    }

    // ticks that stand on round times, at least `apart` seconds from each other
    ticks(from, to, apart) {
      const step = STEPS.find((candidate) => candidate >= apart) ?? Math.ceil(apart / DAY) * DAY;
      const times = [];
      const first = Math.ceil((from + this.offset) / step - 1e-9);
      for (let i = first; i * step - this.offset <= to; i += 1) times.push(i * step - this.offset);
      return { times, digits: step < 1 ? 1 : 0 };
    }
  };

  ecg.length = (seconds) => {
    if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 120) return `${seconds < 20 && !Number.isInteger(seconds) ? seconds.toFixed(1) : Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  };
})((window.ecgViewer ??= {}));
