// One study on the stage: which frame of which series, its window, its place on the screen, and drawing all of it.
((dicom) => {
  "use strict";
  const AHEAD = 4; // frames fetched before they are asked for

  dicom.Pane = class {
    constructor(root, viewer, { study, series }) {
      Object.assign(this, { root, viewer, study, series });
      this.canvas = this.find("image");
      this.stage = this.find("stage");
      this.picture = document.createElement("canvas");
      this.view = new dicom.View();
      this.overlays = new dicom.Overlays(this);
      this.measures = new dicom.Measures(this);
      this.words = new dicom.Words(this);
      this.tone = null; // {centre, width}; null is the object's own until its values are here
      this.inverted = false;
      this.resizing = new ResizeObserver(() => this.resized());
      this.resizing.observe(this.stage);
      dicom.listenToGestures(this);
      this.words.fill();
      this.choose(0);
    }

    find(name) {
      return this.root.querySelector(`[data-part=${name}]`);
    }

    leave() {
      this.resizing.disconnect();
      this.play(false);
    }

    get place() {
      return this.stack[this.index];
    }

    get frame() {
      return this.place ? this.viewer.frames.peek(this.place) : null;
    }

    // take a series onto the stage
    choose(number) {
      this.play(false);
      this.chosen = this.series[number];
      this.stack = (this.chosen?.instances ?? []).flatMap((instance) =>
        Array.from({ length: instance.frames }, (_, frame) => ({ instance, frame })));
      this.index = 0;
      this.tone = null;
      this.painted = null;
      this.preview = null;
      this.words.series();
      if (!this.place) return;
      this.words.tone(); // what was said of the series before is not said of this one
      this.show(0);
      this.preview = new Image(); // the server's picture is there before the values are
      this.preview.onload = () => this.changed();
      this.preview.src = this.viewer.frames.url(this.place, "png");
      this.preview.place = this.place;
    }

    // a frame by its number from 0; it is drawn when it is here
    show(index) {
      if (!this.place) return;
      this.index = Math.max(0, Math.min(this.stack.length - 1, index));
      this.view.show(this.place.instance);
      this.words.place();
      this.measures.show();
      this.fetch(this.place);
      this.changed();
    }

    async fetch(place) {
      try {
        await this.viewer.frames.get(place);
        this.complain("");
        if (place !== this.place) return;
        for (const next of this.stack.slice(this.index + 1, this.index + 1 + AHEAD)) this.viewer.frames.get(next).catch(() => {});
        this.tone ??= this.firstTone();
        this.words.tone();
        if (this.frame.table) this.viewer.refresh(this); // it is among the presets
        this.changed();
      } catch (error) {
        if (!(error instanceof window.ecgViewer.Failed)) throw error;
        if (place === this.place) this.complain(error.message);
      }
    }

    firstTone() {
      const [given] = this.place.instance.windows;
      if (this.frame.table) return { ...dicom.automatic(this.frame), table: true }; // the window is where a drag begins
      return given && this.frame.samples === 1 ? { centre: given[0], width: given[1] } : dicom.automatic(this.frame);
    }

    setTone(tone) {
      this.tone = { centre: tone.centre, width: Math.max(1, tone.width) };
      if (tone.table && this.frame?.table) this.tone.table = true;
      this.words.tone();
      this.changed();
    }

    // cine: the next frame when its time has come and it is here
    play(on) {
      this.playing = on && this.stack.length > 1;
      this.words.playing();
      cancelAnimationFrame(this.beat);
      if (!this.playing) return;
      let due = performance.now() + this.frameTime;
      const step = (now) => {
        const next = (this.index + 1) % this.stack.length;
        if (now >= due && this.viewer.frames.peek(this.stack[next])) {
          due = Math.max(due + this.frameTime, now);
          this.show(next);
        } else if (now >= due) this.viewer.frames.get(this.stack[next]).catch(() => this.play(false));
        this.beat = requestAnimationFrame(step);
      };
      this.beat = requestAnimationFrame(step);
    }

    get frameTime() {
      return this.place.instance.frame_ms ?? 100;
    }

    complain(sentence) {
      this.find("sentence").textContent = sentence;
      this.find("error").hidden = !sentence;
    }

    resized() {
      const { clientWidth: width, clientHeight: height } = this.stage;
      if (!width) return;
      this.view.resize(width, height);
      this.changed();
    }

    changed() {
      this.waiting ??= requestAnimationFrame(() => {
        this.waiting = undefined;
        this.draw();
      });
    }

    draw() {
      const { view, frame } = this;
      const ratio = devicePixelRatio || 1;
      const size = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
      if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
      const context = this.canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, ...size);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.imageSmoothingEnabled = view.scale < 2; // single pixels are shown as they are
      const source = this.source(frame);
      if (source) {
        const box = [...view.toScreen([0, 0]), view.columns * view.scale, view.rows * view.scale * view.aspect];
        context.drawImage(source, ...box);
        const overlay = this.overlays.picture();
        if (overlay) {
          context.globalAlpha = this.overlays.opacity;
          context.drawImage(overlay, ...box);
          context.globalAlpha = 1;
        }
      }
      this.measures.draw(context);
      this.root.toggleAttribute("data-drawn", Boolean(source));
      this.root.toggleAttribute("data-complete", Boolean(frame && this.tone));
    }

    // what can be drawn of the frame: its values through the window, else the server's picture of it
    source(frame) {
      if (!frame || !this.tone) {
        const ready = this.preview?.complete && this.preview.naturalWidth && this.preview.place === this.place;
        return ready ? this.preview : null;
      }
      const inverted = this.inverted !== (this.place.instance.photometric === "MONOCHROME1");
      const state = `${this.viewer.frames.key(this.place)} ${this.tone.centre} ${this.tone.width} ${Boolean(this.tone.table)} ${inverted}`;
      if (state !== this.painted) {
        dicom.paint(this.picture, frame, { ...this.tone, inverted });
        this.painted = state;
      }
      return this.picture;
    }
  };
})((window.dicomViewer ??= {}));
