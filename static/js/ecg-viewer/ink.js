// The colours of the canvas. They are the design system's, so they are read from elements that viewer.css colours, and read
// again when the theme changes or the page goes to paper.
((ecg) => {
  "use strict";
  const NAMES = ["paper", "fine", "coarse", "trace", "text", "muted", "line", "accent", "caliper", "heat", "hatch", "range", "episode", "on-chip",
    "beat-N", "beat-L", "beat-R", "beat-A", "beat-V", "beat-F", "beat-other"];

  ecg.Ink = class {
    constructor(root, changed) {
      this.root = root;
      const holder = document.createElement("span");
      holder.hidden = true;
      this.probes = NAMES.map((name) => {
        const probe = document.createElement("i");
        probe.dataset.ink = name;
        holder.append(probe);
        return probe;
      });
      root.append(holder);
      this.read();
      const again = () => {
        this.read();
        changed();
      };
      this.leaving = new AbortController();
      const { signal } = this.leaving;
      this.observer = new MutationObserver(again);
      this.observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again, { signal });
      matchMedia("print").addEventListener("change", again, { signal });
    }

    read() {
      for (const probe of this.probes) this[probe.dataset.ink] = getComputedStyle(probe).color;
      this.font = getComputedStyle(this.root).fontFamily;
      this.pattern = null;
    }

    ofBeat(letter) {
      return this[`beat-${letter}`] ?? this["beat-other"];
    }

    // diagonal lines for what could not be analysed
    hatching(context) {
      if (this.pattern) return this.pattern;
      const tile = document.createElement("canvas");
      tile.width = tile.height = 8;
      const pen = tile.getContext("2d");
      pen.strokeStyle = this.hatch;
      pen.lineWidth = 1.2;
      for (const shift of [-8, 0, 8]) {
        pen.moveTo(shift - 1, 9);
        pen.lineTo(shift + 9, -1);
      }
      pen.stroke();
      this.pattern = context.createPattern(tile, "repeat");
      return this.pattern;
    }

    leave() {
      this.observer.disconnect();
      this.leaving.abort();
    }
  };

  // words on the canvas keep a rim of paper around them, so that the trace does not cross them out
  ecg.write = (frame, text, x, y, { colour = frame.ink.text, size = 12, weight = 400, align = "left", rim = true } = {}) => {
    const { context, ink } = frame;
    context.font = `${weight} ${size}px ${ink.font}`;
    context.textAlign = align;
    context.textBaseline = "alphabetic";
    if (rim) {
      context.lineJoin = "round";
      context.lineWidth = 4;
      context.strokeStyle = ink.paper;
      context.strokeText(text, x, y);
    }
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };
})((window.ecgViewer ??= {}));
