// The words around a stage: series, frame, window, the value under the pointer, what the objects say. Only ever as text.
((dicom) => {
  "use strict";
  const SPOKEN_MS = 400; // frame and window are spoken when they rest
  const round = (value) => Number(value.toPrecision(4));

  dicom.Words = class {
    constructor(pane) {
      this.pane = pane;
      this.slider = pane.find("frame");
      this.slider.addEventListener("input", () => pane.show(Number(this.slider.value) - 1));
      pane.find("about").addEventListener("toggle", () => this.attributes());
    }

    // once: the study and its series
    fill() {
      const { study, series } = this.pane;
      this.pane.find("study").textContent = [study.description || "Study", study.date].filter(Boolean).join(", ");
      this.pane.stage.setAttribute("aria-label", `Image of ${study.description || "the study"}. Arrow keys scroll, plus and minus zoom, question mark lists the keys.`);
      this.pane.find("series").replaceChildren(...series.map((one, number) => {
        const row = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "dicom-series";
        const size = one.instances.reduce((sum, { frames }) => sum + frames, 0);
        const name = one.description || `Series ${one.number ?? number + 1}`;
        button.textContent = `${one.modality ? `${one.modality} · ` : ""}${name} · ${size} ${size === 1 ? "image" : "images"}`;
        button.addEventListener("click", () => {
          this.pane.viewer.activate(this.pane);
          this.pane.choose(number);
        });
        row.append(button);
        return row;
      }));
    }

    // another series
    series() {
      const { pane } = this;
      [...pane.find("series").querySelectorAll("button")].forEach((button, number) =>
        button.setAttribute("aria-pressed", pane.series[number] === pane.chosen));
      this.slider.max = Math.max(1, pane.stack.length);
      this.slider.closest("label").hidden = pane.stack.length < 2;
      pane.complain(pane.place ? "" : "The study has no image that can be shown.");
      pane.viewer.refresh(pane);
    }

    // another frame
    place() {
      const { pane } = this;
      this.slider.value = pane.index + 1;
      this.slider.setAttribute("aria-valuetext", this.frameText());
      pane.find("where").textContent = this.frameText();
      if (this.said !== pane.place.instance) {
        this.said = pane.place.instance;
        this.metadata();
        this.attributes();
        pane.viewer.refresh(pane);
      }
      this.speak();
    }

    frameText() {
      const { index, stack } = this.pane;
      return `Frame ${index + 1} of ${stack.length}`;
    }

    toneText() {
      const { tone, inverted } = this.pane;
      if (!tone) return "";
      if (tone.table) return `Table of the object${inverted ? ", inverted" : ""}`;
      return `Window centre ${round(tone.centre)}, width ${round(tone.width)}${inverted ? ", inverted" : ""}`;
    }

    tone() {
      this.pane.find("tone").textContent = this.toneText();
      this.speak();
    }

    playing() {
      this.pane.viewer.refresh(this.pane);
    }

    speak() {
      if (this.pane.playing) return;
      clearTimeout(this.resting);
      this.resting = setTimeout(() => {
        this.pane.find("spoken").textContent = [this.frameText(), this.toneText()].filter(Boolean).join(". ");
      }, SPOKEN_MS);
    }

    // the value under the pointer, in the units of the modality
    value(at) {
      const { frame, view } = this.pane;
      const [column, row] = view.toImage(...at).map(Math.floor);
      const inside = frame && column >= 0 && row >= 0 && column < frame.columns && row < frame.rows;
      const from = inside ? (row * frame.columns + column) * frame.samples : 0;
      const text = !inside ? "" : frame.samples === 3 ? [...frame.values.slice(from, from + 3)].join(", ") : round(dicom.inUnits(frame, frame.values[from]));
      this.pane.find("value").textContent = inside ? `Column ${column}, row ${row}: ${text}` : "";
    }

    metadata() {
      const { chosen, place: { instance } } = this.pane;
      const spacing = instance.spacing_mm
        ? `${instance.spacing_mm.map(round).join(" x ")} mm${instance.spacing_kind === "detector" ? ", at the detector" : ""}`
        : "not said: lengths are in pixels";
      const rows = [
        ["Series", [chosen.number, chosen.description].filter((one) => one ?? "" !== "").join(": ")], ["Modality", chosen.modality],
        ["Instance", instance.number], ["Columns x rows", `${instance.columns} x ${instance.rows}`], ["Frames", instance.frames],
        ["Time between frames", instance.frame_ms ? `${round(instance.frame_ms)} ms` : ""], ["Pixel height x width", spacing],
        ["Photometric interpretation", instance.photometric],
        ["Windows", instance.windows.map(([centre, width]) => `${round(centre)} / ${round(width)}`).join(", ")],
      ];
      this.pane.find("metadata").replaceChildren(...rows.filter(([, value]) => value !== "" && value != null).map(([name, value]) => {
        const row = document.createElement("tr");
        row.append(this.cell(name, "th"), this.cell(value));
        return row;
      }));
    }

    cell(text, kind = "td") {
      const cell = document.createElement(kind);
      if (kind === "th") cell.scope = "row";
      cell.textContent = text;
      return cell;
    }

    // every attribute of the object, fetched when somebody looks
    async attributes() {
      const { pane } = this;
      const instance = pane.place?.instance;
      if (!instance || instance === this.listed || !pane.find("about").open) return;
      this.listed = instance;
      try {
        const { attributes } = await window.ecgViewer.getJson(pane.viewer.frames.attributesUrl(instance));
        if (this.listed !== instance) return;
        pane.find("attributes").replaceChildren(...attributes.map(({ depth, tag, name, vr, value }) => {
          const row = document.createElement("tr");
          row.append(this.cell(`${"> ".repeat(depth)}${name || tag}`, "th"), this.cell(tag), this.cell(vr), this.cell(value));
          return row;
        }));
      } catch (error) {
        if (!(error instanceof window.ecgViewer.Failed)) throw error;
        this.listed = null;
        pane.complain(error.message);
      }
    }
  };
})((window.dicomViewer ??= {}));
