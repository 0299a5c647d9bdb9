// <dicom-viewer>: a study, and beside it the one before. The parts are in the files beside this; the markup is in
// templates/diagnostics/imaging/viewer.html.
((dicom) => {
  "use strict";
  const TOOLS = ["window", "zoom", "pan", "length", "angle"];

  class DicomViewer extends HTMLElement {
    connectedCallback() {
      if (this.panes || !this.find("panes")) return;
      this.panes = [];
      this.tool = "window";
      this.load().catch((error) => {
        if (!(error instanceof window.ecgViewer.Failed)) throw error;
        this.find("loading").textContent = error.message;
        this.find("loading").setAttribute("role", "alert");
      });
    }

    disconnectedCallback() {
      for (const pane of this.panes ?? []) pane.leave();
    }

    find(name) {
      return this.querySelector(`[data-part=${name}]`);
    }

    async load() {
      const url = new URL(this.dataset.viewerUrl, document.baseURI);
      const answer = await window.ecgViewer.getJson(url);
      this.frames = new dicom.Frames(new URL("../../", url)); // .../dicom/studies/<pk>/viewer.json: frames lie below .../dicom/
      this.before = answer.prior;
      this.find("loading").hidden = true;
      this.toggleAttribute("data-ready", true); // from here on its parts are seen
      this.find("controls").hidden = false;
      this.querySelector("[data-do=compare]").hidden = !this.before;
      this.find("link").closest("label").hidden = true;
      dicom.listenToCommands(this);
      this.active = this.add(answer);
      this.refresh(this.active);
    }

    add(study) {
      const root = this.find("pane").content.firstElementChild.cloneNode(true);
      this.find("panes").append(root);
      const pane = new dicom.Pane(root, this, study);
      this.panes.push(pane);
      this.find("panes").dataset.count = this.panes.length;
      return pane;
    }

    // the study before comes beside this one, or goes
    compare() {
      const [, beside] = this.panes;
      if (beside) {
        beside.leave();
        beside.root.remove();
        this.panes.pop();
        this.find("panes").dataset.count = 1;
        this.active = this.panes[0];
      } else this.add(this.before);
      this.find("link").closest("label").hidden = Boolean(beside);
    }

    activate(pane) {
      if (pane === this.active) return;
      this.active = pane;
      this.refresh(pane);
    }

    // a window is set on one stage, and on the other where they are linked
    setTone(pane, tone) {
      for (const one of this.find("link").checked ? this.panes : [pane]) if (one.frame) one.setTone(tone);
    }

    usePreset(value) {
      const pane = this.active;
      if (!pane.frame || !value) return;
      const found = { automatic: () => dicom.automatic(pane.frame), whole: () => dicom.whole(pane.frame),
        table: () => ({ ...dicom.automatic(pane.frame), table: true }) }[value];
      this.setTone(pane, found ? found() : dicom.presets(pane.place.instance, pane.chosen.modality)[Number(value)]);
    }

    // the controls say what the active stage is
    refresh(pane) {
      if (pane !== this.active || !pane.place) return;
      const pressed = { invert: pane.inverted, cine: pane.playing, compare: this.panes.length > 1 };
      for (const tool of TOOLS) pressed[tool] = this.tool === tool;
      for (const [name, on] of Object.entries(pressed)) this.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", Boolean(on));
      this.querySelector("[data-do=cine]").disabled = pane.stack.length < 2;
      const presets = dicom.presets(pane.place.instance, pane.chosen.modality);
      const table = pane.frame?.table ? [new Option("Table of the object", "table")] : [];
      this.find("preset").replaceChildren(new Option("Window…", ""), ...table, ...presets.map(({ name }, i) => new Option(name, i)),
        new Option("Middle 99 % of the values", "automatic"), new Option("All values", "whole"));
      const { given, name } = pane.overlays;
      this.find("laid").replaceChildren(new Option("No overlay", ""), ...given.map((one) => new Option(one.name)));
      this.find("laid").value = given.some((one) => one.name === name) ? name : "";
      this.find("overlays").hidden = !given.length;
      for (const one of this.panes) one.root.toggleAttribute("data-active", one === pane && this.panes.length > 1);
    }
  }
  if (!customElements.get("dicom-viewer")) customElements.define("dicom-viewer", DicomViewer);
})((window.dicomViewer ??= {}));
