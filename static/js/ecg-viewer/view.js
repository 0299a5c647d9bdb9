// Which part of the recording is seen, and at which scale: the one place where seconds become pixels.
((ecg) => {
  "use strict";
  ecg.MM = 96 / 25.4; // CSS pixels per millimetre; devicePixelRatio comes on top when the canvas is drawn
  ecg.SPEEDS = [12.5, 25, 50];
  // on these the squares of the paper are round times
  const LADDER = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3.125, 6.25, 12.5, 25, 50, 100, 200];

  ecg.View = class {
    constructor(duration) {
      this.duration = duration;
      this.width = 600;
      this.start = 0;
      this.speed = 25; // mm/s
      this.gain = 10; // mm/mV
    }

    get pixelsPerSecond() {
      return this.speed * ecg.MM;
    }

    get seconds() {
      return this.width / this.pixelsPerSecond;
    }

    get end() {
      return this.start + this.seconds;
    }

    get centre() {
      return this.start + this.seconds / 2;
    }

    get slowest() {
      return Math.min(25, this.width / (this.duration * ecg.MM));
    }

    // whether the millimetres of the paper mean a round time
    get onPaper() {
      return this.speed >= 6.25 && LADDER.includes(this.speed);
    }

    x(seconds) {
      return (seconds - this.start) * this.pixelsPerSecond;
    }

    time(x) {
      return this.start + x / this.pixelsPerSecond;
    }

    has(seconds) {
      return seconds >= this.start && seconds <= this.end;
    }

    clamp() {
      this.start = Math.max(0, Math.min(this.start, this.duration - this.seconds));
    }

    resize(width) {
      this.width = Math.max(80, width);
      this.speed = Math.max(this.speed, this.slowest);
      this.clamp();
    }

    moveTo(start) {
      this.start = start;
      this.clamp();
    }

    moveBy(seconds) {
      this.moveTo(this.start + seconds);
    }

    centreOn(seconds) {
      this.moveTo(seconds - this.seconds / 2);
    }

    // what is under `x` stays under it
    zoomTo(speed, x = this.width / 2) {
      const held = this.time(x);
      this.speed = Math.max(this.slowest, Math.min(LADDER.at(-1), speed));
      this.moveTo(held - x / this.pixelsPerSecond);
    }

    zoomStep(direction, x) {
      const next = direction > 0 ? LADDER.find((speed) => speed > this.speed * 1.001)
        : LADDER.findLast((speed) => speed < this.speed * 0.999);
      this.zoomTo(next ?? (direction > 0 ? LADDER.at(-1) : this.slowest), x);
    }

    // the same scale elsewhere: a strip for the printer
    strip(start, width) {
      return Object.assign(new ecg.View(this.duration), this, { start, width });
    }

    show(seconds) {
      this.zoomTo(this.width / (seconds * ecg.MM));
    }
  };
})((window.ecgViewer ??= {}));
