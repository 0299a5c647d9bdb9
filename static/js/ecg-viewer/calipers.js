// Two free calipers over the trace: the time between them, the rate it would be, and the voltage between the points where
// they cross one lead. March-out repeats the interval to both sides.
((ecg) => {
  "use strict";
  const MARCH_MOST = 400;

  ecg.Calipers = class {
    constructor(stage, viewer) {
      this.stage = stage;
      this.viewer = viewer;
      this.on = false;
      this.march = false;
      this.times = [0, 0];
      this.lane = 0;
      this.handles = [...stage.querySelectorAll(".ecg-caliper")];
      this.handles.forEach((handle, which) => this.listen(handle, which));
    }

    listen(handle, which) {
      let grabbed = 0; // where in its width the handle was taken, in seconds
      const under = (event) => this.viewer.view.time(event.clientX - this.stage.getBoundingClientRect().left - this.stage.clientLeft - this.viewer.place.left);
      handle.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        handle.setPointerCapture(event.pointerId);
        grabbed = under(event) - this.times[which];
      });
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const y = event.clientY - this.stage.getBoundingClientRect().top - this.stage.clientTop;
        this.lane = Math.max(0, this.viewer.place.lanes.findLastIndex((lane) => y >= lane.top));
        this.move(which, under(event) - grabbed - this.times[which], event.shiftKey);
      });
      handle.addEventListener("keydown", (event) => {
        const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -50, PageUp: 50 };
        if (!steps[event.key]) return;
        event.preventDefault();
        event.stopPropagation();
        const { view, summary } = this.viewer;
        const step = Math.max(1 / summary.fs, 1 / view.pixelsPerSecond);
        this.move(which, steps[event.key] * (event.shiftKey ? 10 : 1) * step, event.altKey);
      });
    }

    move(which, by, both) {
      const longest = this.viewer.view.duration;
      const place = (i) => (this.times[i] = Math.max(0, Math.min(longest, this.times[i] + by)));
      place(which);
      if (both) place(1 - which);
      this.viewer.changed();
    }

    // they come where they can be seen: at the chosen beat and the one before, or in the middle
    toggle() {
      this.on = !this.on;
      this.march &&= this.on;
      const { view, beats, selected } = this.viewer;
      if (this.on && !this.times.every((time) => view.has(time) && time > 0)) {
        const rr = selected > 0 && view.has(beats.times[selected - 1]) && view.has(beats.times[selected]);
        const width = Math.min(view.seconds, view.duration);
        this.times = rr ? [beats.times[selected - 1], beats.times[selected]] : [view.start + 0.4 * width, view.start + 0.6 * width];
      }
      this.viewer.changed();
      if (this.on) this.viewer.draw(); // so that the handle is there to take the focus
      if (this.on) this.handles[0].focus();
    }

    get interval() {
      return Math.abs(this.times[1] - this.times[0]);
    }

    get lead() {
      return this.viewer.place.lanes[Math.min(this.lane, this.viewer.place.lanes.length - 1)].lead;
    }

    // millivolt where both cross the lead; null where the signal is missing or not loaded finely enough
    values() {
      return this.times.map((time) => this.viewer.tiles.value(this.lead, time));
    }

    reading() {
      if (!this.on) return "";
      const ms = Math.round(this.interval * 1000);
      const rate = ms ? `${Math.round(60000 / ms)} bpm` : "no rate";
      const [first, second] = this.values();
      const words = first === null || second === null ? "no mV: the signal is missing here"
        : `${second - first < 0 ? "−" : "+"}${Math.abs(second - first).toFixed(2)} mV in ${this.lead}`;
      return `${ms.toLocaleString("en-GB")} ms · ${rate} · ${words}`;
    }

    // put the handles where their times are
    place() {
      const { view, place, clock } = this.viewer;
      this.handles.forEach((handle, which) => {
        const time = this.times[which];
        handle.hidden = !this.on || !view.has(time);
        if (handle.hidden) return;
        handle.style.transform = `translate(${place.left + view.x(time)}px, ${place.top}px)`;
        handle.style.height = `${place.bottom - place.top}px`;
        handle.setAttribute("aria-valuemax", view.duration.toFixed(3));
        handle.setAttribute("aria-valuenow", time.toFixed(3));
        handle.setAttribute("aria-valuetext", `${clock.text(time, 3)}; ${this.reading()}`);
      });
    }

    draw(frame) {
      if (!this.on) return;
      const { context, view, place, ink } = frame;
      const [a, b] = this.times.map((time) => place.left + view.x(time));
      context.save();
      context.beginPath();
      context.rect(place.left, place.top, place.width - place.left, place.bottom - place.top);
      context.clip();
      context.fillStyle = context.strokeStyle = ink.caliper;
      if (this.march) this.drawMarch(context, a, b, place);
      const y = place.top + 32;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(a, y);
      context.lineTo(b, y);
      for (const x of [a, b]) {
        context.moveTo(x, place.top);
        context.lineTo(x, place.bottom);
      }
      context.stroke();
      const lane = place.lanes.find(({ lead }) => lead === this.lead);
      this.values().forEach((value, which) => {
        if (value === null) return;
        context.beginPath();
        context.arc([a, b][which], lane.zero - (value - frame.shift(lane.lead)) * view.gain * ecg.MM, 4, 0, 2 * Math.PI);
        context.stroke();
      });
      context.restore();
      const left = Math.max(place.left, Math.min(a, b));
      const right = Math.min(place.width, Math.max(a, b));
      if (left >= place.width || right <= place.left) return;
      const words = `${Math.round(this.interval * 1000)} ms`;
      ecg.write(frame, words, (left + right) / 2, y - 6, { size: 13, weight: 650, align: "center", colour: ink.caliper });
    }

    drawMarch(context, a, b, place) {
      const gap = Math.abs(b - a);
      if (gap < 3) return;
      context.globalAlpha = 0.8;
      context.lineWidth = 1;
      context.setLineDash([6, 5]);
      context.beginPath();
      const first = Math.min(a, b) - Math.ceil((Math.min(a, b) - place.left) / gap) * gap;
      for (let i = 0, x = first; x <= place.width && i < MARCH_MOST; i += 1, x += gap) {
        if (x < place.left) continue;
        context.moveTo(x, place.top);
        context.lineTo(x, place.bottom);
      }
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }
  };
})((window.ecgViewer ??= {}));
