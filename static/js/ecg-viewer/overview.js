// The strip of the whole recording: heart rate beat by beat, ectopic beats, episodes, what could not be analysed, and the
// window. Everything but the window is drawn once and kept.
((ecg) => {
  "use strict";
  const HEIGHT = 76;
  const RATE = { top: 12, bottom: 48, low: 30, high: 180 };
  const TICKS = { top: 50, bottom: 61 };

  ecg.Overview = class {
    constructor(canvas, viewer) {
      this.canvas = canvas;
      this.viewer = viewer;
      this.kept = document.createElement("canvas");
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        this.goTo(event);
      });
      canvas.addEventListener("pointermove", (event) => {
        if (canvas.hasPointerCapture(event.pointerId)) this.goTo(event);
      });
      canvas.addEventListener("keydown", (event) => this.key(event));
    }

    goTo(event) {
      const { view } = this.viewer;
      view.centreOn((event.offsetX / this.canvas.clientWidth) * view.duration);
      this.viewer.changed();
    }

    key(event) {
      const { view } = this.viewer;
      const moves = { ArrowLeft: -0.5, ArrowDown: -0.5, ArrowRight: 0.5, ArrowUp: 0.5, PageDown: -10, PageUp: 10 };
      if (event.key === "Home") view.moveTo(0);
      else if (event.key === "End") view.moveTo(view.duration);
      else if (moves[event.key]) view.moveBy(moves[event.key] * view.seconds);
      else return;
      event.preventDefault();
      this.viewer.changed();
    }

    x(seconds) {
      return (seconds / this.viewer.view.duration) * this.width;
    }

    // draw the strip again: its width, its colours or its beats are others
    redraw() {
      const ratio = devicePixelRatio || 1;
      this.width = this.canvas.parentElement.clientWidth;
      for (const canvas of [this.canvas, this.kept]) {
        canvas.width = Math.round(this.width * ratio);
        canvas.height = HEIGHT * ratio;
      }
      this.canvas.style.width = `${this.width}px`;
      this.canvas.style.height = `${HEIGHT}px`;
      const context = this.kept.getContext("2d");
      context.scale(ratio, ratio);
      const { ink, summary, episodes, beats } = this.viewer;
      const frame = { context, ink };
      context.fillStyle = ink.paper;
      context.fillRect(0, 0, this.width, HEIGHT);
      for (const span of summary.unanalysable) {
        context.fillStyle = ink.hatching(context);
        context.fillRect(this.x(span.start_s), 0, Math.max(2, this.x(span.end_s - span.start_s)), 60);
      }
      this.drawRate(frame, beats);
      this.drawEctopic(frame, beats);
      context.fillStyle = ink.episode;
      for (const episode of episodes) context.fillRect(this.x(episode.start_s), 2, Math.max(2, this.x(episode.end_s - episode.start_s)), 6);
      this.drawAxis(frame);
    }

    // Range and mean of each column, from the intervals between two beats that are not ectopic.
    drawRate(frame, beats) {
      const { context, ink } = frame;
      const y = (bpm) => RATE.bottom - ((Math.max(RATE.low, Math.min(RATE.high, bpm)) - RATE.low) / (RATE.high - RATE.low)) * (RATE.bottom - RATE.top);
      const columns = Array.from({ length: Math.ceil(this.width) + 1 }, () => ({ low: Infinity, high: -Infinity, sum: 0, count: 0 }));
      for (let i = 1; i < beats.length; i += 1) {
        const gap = (beats.rr(i) ?? 0) / 1000;
        if (gap < 0.2 || beats.isEctopic(i) || beats.isEctopic(i - 1)) continue;
        const column = columns[Math.floor(this.x(beats.times[i]))];
        column.low = Math.min(column.low, 60 / gap);
        column.high = Math.max(column.high, 60 / gap);
        column.sum += 60 / gap;
        column.count += 1;
      }
      for (const bpm of [60, 120]) {
        context.fillStyle = ink.coarse;
        context.fillRect(0, Math.round(y(bpm)), this.width, 1);
      }
      const reach = Math.max(3, this.x(3)); // the line goes on over three seconds without an interval
      let before = -Infinity;
      context.fillStyle = ink.range;
      context.strokeStyle = ink.trace;
      context.lineWidth = 1.5;
      context.beginPath();
      columns.forEach(({ low, high, sum, count }, x) => {
        if (!count) return;
        context.fillRect(x, y(high), 1.5, y(low) - y(high));
        if (x - before > reach) context.moveTo(x - 0.5, y(sum / count));
        context.lineTo(x + 0.5, y(sum / count));
        before = x;
      });
      context.stroke();
      for (const bpm of [60, 120]) ecg.write(frame, `${bpm} bpm`, this.width - 4, y(bpm) + 4, { size: 10, align: "right", colour: ink.muted });
    }

    // how many in each column: the fullest one is as high as the band
    drawEctopic({ context, ink }, beats) {
      const counts = new Map();
      for (let i = 0; i < beats.length; i += 1) {
        if (!beats.isEctopic(i)) continue;
        const letter = beats.letter(i);
        if (!counts.has(letter)) counts.set(letter, new Uint32Array(Math.ceil(this.width) + 1));
        counts.get(letter)[Math.floor(this.x(beats.times[i]))] += 1;
      }
      const most = Math.max(1, ...[...counts.values()].map((columns) => columns.reduce((a, b) => Math.max(a, b), 0)));
      for (const [letter, columns] of [...counts].sort(([a], [b]) => (a === "V" ? -1 : b === "V" ? 1 : 0))) {
        context.fillStyle = ink.ofBeat(letter);
        columns.forEach((count, x) => {
          const height = (letter === "V" ? 1 : 0.5) * (TICKS.bottom - TICKS.top) * Math.sqrt(count / most);
          if (count) context.fillRect(x, TICKS.bottom - height, 1.5, height);
        });
      }
    }

    drawAxis(frame) {
      const { clock, view } = this.viewer;
      const { times, digits } = clock.ticks(0, view.duration, (view.duration * 90) / this.width);
      for (const time of times) {
        const x = this.x(time);
        const align = x < 32 ? "left" : x > this.width - 32 ? "right" : "center";
        ecg.write(frame, clock.text(time, digits), x, 73, { size: 10.5, colour: frame.ink.muted, align, rim: false });
      }
    }

    draw() {
      const { view, ink } = this.viewer;
      const context = this.canvas.getContext("2d");
      const ratio = devicePixelRatio || 1;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(this.kept, 0, 0);
      context.scale(ratio, ratio);
      const width = Math.max(6, this.x(Math.min(view.seconds, view.duration)));
      const x = Math.max(1, Math.min(this.x(view.start), this.width - width - 1));
      context.strokeStyle = ink.accent;
      context.lineWidth = 2;
      context.strokeRect(x, 1, width, 60);
      context.globalAlpha = 0.15;
      context.fillStyle = ink.accent;
      context.fillRect(x, 1, width, 60);
      context.globalAlpha = 1;
    }
  };
})((window.ecgViewer ??= {}));
