// The words around the trace: where we are, what is chosen, and the doctor's own letter for it.
((ecg) => {
  "use strict";
  const SPOKEN_MS = 500; // positions are spoken when the trace rests

  ecg.Panel = class {
    constructor(viewer) {
      this.viewer = viewer;
      this.form = viewer.find("override");
      this.form?.addEventListener("submit", (event) => {
        event.preventDefault();
        this.send();
      });
    }

    // `ready` once: the labels a doctor may choose
    fill() {
      const { beats } = this.viewer;
      const label = this.viewer.find("label");
      label?.replaceChildren(new Option("Choose…", ""), ...beats.names.map((name, at) => new Option(`${beats.letterOf(at)} · ${name}`, name)));
    }

    position() {
      const { view, clock } = this.viewer;
      const end = Math.min(view.end, view.duration);
      const digits = view.seconds < 60 ? 1 : 0;
      const date = clock.date(view.start);
      return `${date && `${date}, `}${clock.text(view.start, digits)} to ${clock.text(end, digits)} (${ecg.length(end - view.start)})`;
    }

    scale() {
      const { view } = this.viewer;
      const speed = view.onPaper ? `${view.speed} mm/s` : `${Number(view.speed.toPrecision(3))} mm/s`;
      const { fine, coarse } = ecg.grid(view);
      const square = fine || view.onPaper ? `small square ${ecg.length(fine ?? 0)}, large ${ecg.length(coarse)}` : `line every ${ecg.length(coarse)}`;
      const rate = this.viewer.beats.rate(view.start, view.end);
      return [`${speed}, ${view.gain} mm/mV`, square, rate && `mean rate ${Math.round(rate)} bpm`].filter(Boolean).join("; ");
    }

    beatWords(index) {
      const { beats, clock } = this.viewer;
      const words = [`Beat ${(index + 1).toLocaleString("en-GB")}`, `${beats.letter(index)} (${beats.label(index)})`, `at ${clock.text(beats.times[index], 2)}`];
      if (beats.overridden.has(index)) words.push(`overridden; the model said ${beats.name(beats.model[index])}`);
      if (beats.confidences[index] != null) words.push(`confidence ${beats.confidences[index]} %`);
      if (beats.rr(index) !== null) words.push(`RR ${beats.rr(index)} ms`);
      return words.join(" · ");
    }

    // every frame
    show() {
      const { viewer } = this;
      viewer.find("position").textContent = this.position();
      viewer.find("scale").textContent = this.scale();
      const reading = viewer.calipers.reading();
      viewer.find("reading").textContent = reading;
      viewer.find("reading").hidden = !reading;
      for (const [name, on] of [["calipers", viewer.calipers.on], ["march", viewer.calipers.march], ["heat", viewer.heat], ["clock", viewer.clock.ofDay]]) {
        viewer.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", String(on));
      }
      this.showSpeed();
      const overview = viewer.find("overview");
      overview.setAttribute("aria-valuemax", Math.round(viewer.view.duration));
      overview.setAttribute("aria-valuenow", Math.round(viewer.view.centre));
      overview.setAttribute("aria-valuetext", this.position());
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        viewer.find("spoken").textContent = [this.position(), reading].filter(Boolean).join("; ");
      }, SPOKEN_MS);
    }

    showSpeed() {
      const { view } = this.viewer;
      const speed = this.viewer.find("speed");
      const value = ecg.SPEEDS.includes(view.speed) ? String(view.speed) : "";
      const free = speed.querySelector('option[value=""]');
      free.textContent = value ? "Free" : `${Number(view.speed.toPrecision(2))} mm/s`;
      if (speed.value !== value) speed.value = value;
    }

    // when another beat is chosen, or the same one has another letter
    showBeat() {
      const { beats, selected } = this.viewer;
      const words = selected === null ? "No beat is chosen. Click one, or press . on the trace." : this.beatWords(selected);
      this.viewer.find("beat").textContent = words;
      if (!this.form) return;
      this.form.hidden = selected === null;
      if (selected !== null) this.viewer.find("label").value = beats.now[selected] < 0 ? "" : beats.label(selected);
    }

    // what was said about one thing stays until that thing works again
    complain(sentence, about = "override") {
      if (!sentence && this.complaint !== about) return;
      this.complaint = sentence ? about : null;
      const error = this.viewer.find("error");
      this.viewer.find("sentence").textContent = sentence;
      error.hidden = !sentence;
    }

    async send() {
      const { viewer } = this;
      const index = viewer.selected;
      const button = this.form.querySelector("button");
      button.disabled = true;
      this.complain("");
      try {
        const fields = { beat: index, label: viewer.find("label").value };
        const answer = await ecg.postForm(viewer.dataset.overrideUrl, fields, ecg.csrfToken(viewer));
        viewer.beats.override(answer.beat, answer.label);
        viewer.beatsChanged();
        viewer.say(`Beat ${answer.beat + 1} is ${answer.label} now, by ${answer.by}.`);
      } catch (error) {
        if (!(error instanceof ecg.Failed)) throw error;
        this.complain(error.message);
      } finally {
        button.disabled = false;
      }
    }
  };
})((window.ecgViewer ??= {}));
