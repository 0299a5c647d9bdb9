// Frames from the server: asked for once, kept while there is room, the one not seen for longest goes first.
((dicom) => {
  "use strict";
  const MOST_BYTES = 256e6;

  // brightness, 0 to 255, of every value of 16 bits: what the object has in place of a window
  const readTable = async (url) => {
    const answer = await window.ecgViewer.get(url, { headers: { Accept: "application/octet-stream, application/json" } });
    return new Uint8Array(await answer.arrayBuffer());
  };

  const read = async (url) => {
    const answer = await window.ecgViewer.get(url, { headers: { Accept: "application/octet-stream, application/json" } });
    const number = (name) => Number(answer.headers.get(name));
    const samples = number("X-Samples");
    const signed = answer.headers.get("X-Signed") === "1";
    const buffer = await answer.arrayBuffer();
    const values = samples === 3 ? new Uint8Array(buffer) : signed ? new Int16Array(buffer) : new Uint16Array(buffer);
    const [rows, columns] = [number("X-Rows"), number("X-Columns")];
    if (values.length !== rows * columns * samples) throw new window.ecgViewer.Failed("The image came incompletely. Try again.");
    const table = answer.headers.get("X-Voi-Table") === "1" ? await readTable(url.replace(/raw$/, "voi")) : null;
    return { rows, columns, samples, signed, values, slope: number("X-Slope"), intercept: number("X-Intercept"),
      function: answer.headers.get("X-Voi-Function") ?? "LINEAR", table };
  };

  dicom.Frames = class {
    // `base`: where instances/<pk>/frames/<n> begin
    constructor(base) {
      this.base = base;
      this.kept = new Map();
      this.asked = new Map();
      this.bytes = 0;
    }

    url({ instance, frame }, ending) {
      return new URL(`instances/${encodeURIComponent(instance.pk)}/frames/${frame}.${ending}`, this.base).href;
    }

    attributesUrl(instance) {
      return new URL(`instances/${encodeURIComponent(instance.pk)}/attributes.json`, this.base).href;
    }

    key({ instance, frame }) {
      return `${instance.pk}/${frame}`;
    }

    // the frame if it is here
    peek(place) {
      const key = this.key(place);
      const found = this.kept.get(key);
      if (!found) return null;
      this.kept.delete(key);
      this.kept.set(key, found); // seen last
      return found;
    }

    get(place) {
      const here = this.peek(place);
      if (here) return Promise.resolve(here);
      const key = this.key(place);
      if (!this.asked.has(key)) {
        const coming = read(this.url(place, "raw")).then((frame) => this.keep(key, frame)).finally(() => this.asked.delete(key));
        this.asked.set(key, coming);
      }
      return this.asked.get(key);
    }

    keep(key, frame) {
      this.kept.set(key, frame);
      this.bytes += frame.values.byteLength;
      for (const [oldest, { values }] of this.kept) {
        if (this.bytes <= MOST_BYTES || oldest === key) break;
        this.kept.delete(oldest);
        this.bytes -= values.byteLength;
      }
      return frame;
    }
  };
})((window.dicomViewer ??= {}));
