// <ecg-viewer>: loads a recording, and draws what is seen of it when something changed. The parts are in the files beside it;
// the markup is in components/ecg_viewer.html.
((ecg) => {
  "use strict";

  class EcgViewer extends HTMLElement {
    connectedCallback() {
      if (this.ready !== undefined || !this.find("stage")) return;
      this.ready = false;
      this.load().catch((error) => {
        if (!(error instanceof ecg.Failed)) throw error;
        this.panel ??= new ecg.Panel(this);
        this.panel.complain(error.message);
        this.find("loading").hidden = true;
      });
    }

    disconnectedCallback() {
      this.resizing?.disconnect();
      this.ink?.leave();
      this.leaving?.abort();
    }

    find(name) {
      return this.querySelector(`[data-part=${name}]`);
    }

    async load() {
      const { summaryUrl, beatsUrl, signalUrl } = this.dataset;
      const [summary, answer] = await Promise.all([ecg.getJson(summaryUrl), ecg.getJson(beatsUrl)]);
      this.summary = summary;
      this.beats = new ecg.Beats(answer, summary);
      this.episodes = ecg.stackEpisodes(summary.episodes);
      this.rows = Math.max(0, ...this.episodes.map((episode) => episode.row + 1));
      this.clock = new ecg.Clock(summary.started_at);
      this.view = new ecg.View(summary.seconds);
      this.shifts = {};
      this.selected = null;
      this.heat = Boolean(this.beats.heat);
      const few = summary.seconds <= 60 || summary.leads.length <= 3;
      const best = [summary.best_lead, ...summary.leads.filter((lead) => lead !== summary.best_lead)];
      this.leads = few ? [...summary.leads] : summary.leads.filter((lead) => best.slice(0, 3).includes(lead));
      this.tiles = new ecg.Tiles({
        url: signalUrl, fs: summary.fs, duration: summary.seconds, arrived: () => {
          this.panel.complain("", "signal");
          this.changed();
        }, failed: (error) => this.panel.complain(`The signal could not be loaded. ${error.message}`, "signal"),
      });
      this.begin();
      this.findZero(signalUrl);
    }

    begin() {
      this.canvas = this.find("trace");
      this.ink = new ecg.Ink(this, () => this.repaint());
      this.calipers = new ecg.Calipers(this.find("stage"), this);
      this.overview = new ecg.Overview(this.find("overview"), this);
      this.panel = new ecg.Panel(this);
      this.list = new ecg.BeatList(this.find("list"), this);
      this.fillLeads();
      this.panel.fill();
      this.querySelector("[data-do=heat]").hidden = this.find("caption").hidden = !this.beats.heat;
      this.querySelector("[data-do=clock]").hidden = !this.clock.known;
      ecg.listenToCommands(this);
      ecg.listenToGestures(this.find("stage"), this);
      this.leaving = new AbortController();
      for (const [name, on] of [["beforeprint", true], ["afterprint", false]]) {
        window.addEventListener(name, () => this.print(on), { signal: this.leaving.signal });
      }
      this.find("loading").hidden = true;
      this.toggleAttribute("data-ready", true); // from here on its parts are seen
      this.find("controls").hidden = false;
      this.ready = true;
      this.resizing = new ResizeObserver(() => this.repaint());
      this.resizing.observe(this.find("stage"));
      this.repaint();
      this.beatsChanged();
    }

    // A lead whose zero lies far off would be drawn outside of its lane: it is moved, and the lane says by how much.
    async findZero(url) {
      const { leads, seconds } = this.summary;
      const ask = (part) => ecg.getJson(`${url}?${new URLSearchParams({
        from: (part * Math.max(0, seconds - 4)).toFixed(3), seconds: Math.min(4, seconds).toFixed(3), columns: 4000, leads: leads.join(),
      })}`);
      try {
        const answers = await Promise.all([0.1, 0.5, 0.9].map(ask));
        for (const lead of leads) {
          const known = answers.flatMap((answer) => answer.leads[lead]).filter((value) => value !== null).sort((a, b) => a - b);
          const middle = known.length ? known[known.length >> 1] / 1000 : 0;
          if (Math.abs(middle) > 1) this.shifts[lead] = middle;
        }
        this.changed();
      } catch (error) {
        if (!(error instanceof ecg.Failed)) throw error; // without it every zero stays where it is
      }
    }

    fillLeads() {
      const boxes = this.summary.leads.map((lead) => {
        const label = document.createElement("label");
        const box = document.createElement("input");
        box.type = "checkbox";
        box.value = lead;
        box.checked = this.leads.includes(lead);
        label.append(box, lead);
        return label;
      });
      const holder = this.find("leads");
      holder.replaceChildren(...boxes);
      holder.addEventListener("change", (event) => {
        const chosen = [...holder.querySelectorAll(":checked")].map((box) => box.value);
        if (chosen.length) this.leads = chosen;
        else event.target.checked = true; // one lead stays
        this.repaint();
      });
    }

    // something moved: draw with the next frame
    changed() {
      this.waiting ??= requestAnimationFrame(() => {
        this.waiting = undefined;
        this.draw();
      });
    }

    // width, colours or beats are others: all is drawn again, the strip too
    repaint() {
      if (!this.ready || !this.find("stage").clientWidth) return;
      this.place = ecg.layout(this.find("stage").clientWidth, this.leads, this.rows, this.view.gain);
      this.view.resize(this.place.width - this.place.left);
      this.overview.redraw();
      this.draw();
    }

    beatsChanged() {
      this.list.refresh();
      this.panel.showBeat();
      this.repaint();
    }

    // times are written otherwise
    relabel() {
      this.list.show();
      this.panel.showBeat();
      this.repaint();
    }

    draw() {
      const ratio = devicePixelRatio || 1;
      const { view, place } = this;
      const heading = Math.sign(view.start - (this.lastStart ?? 0));
      this.tiles.want(view, ratio, this.leads, { heading, measured: this.calipers.on ? this.calipers.times : [] });
      this.lastStart = view.start;
      this.paint(this.canvas, { view, place, ratio });
      this.calipers.place();
      this.overview.draw();
      this.panel.show();
      this.toggleAttribute("data-complete", this.tiles.complete);
    }

    // one strip of paper, on the screen or for the printer
    paint(canvas, { view, place, ratio }) {
      const size = [Math.round(place.width * ratio), Math.round(place.height * ratio)];
      if (canvas.width !== size[0] || canvas.height !== size[1]) {
        [canvas.width, canvas.height] = size;
        canvas.style.width = `${place.width}px`;
        canvas.style.height = `${place.height}px`;
      }
      const context = canvas.getContext("2d", { alpha: false });
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const frame = { context, view, place, ink: this.ink, clock: this.clock, ratio, shift: (lead) => this.shifts[lead] ?? 0 };
      ecg.drawPaper(frame);
      if (this.heat) ecg.drawHeat(frame, this.beats);
      ecg.drawTrace(frame, this.tiles);
      ecg.drawUnanalysable(frame, this.summary.unanalysable);
      ecg.drawEpisodes(frame, this.episodes, this.episode);
      ecg.drawBeats(frame, this.beats, this.selected);
      ecg.nameUnanalysable(frame, this.summary.unanalysable);
      ecg.nameLeads(frame);
      this.calipers.draw(frame);
    }

    say(sentence) {
      this.find("status").textContent = sentence;
    }

    // choose a beat and bring it to the middle, at a speed at which its form is seen
    select(index) {
      this.selected = index;
      if (this.view.speed < 6.25) this.view.zoomTo(25);
      this.view.centreOn(this.beats.times[index]);
      this.panel.showBeat();
      this.say("");
      this.list.follow();
      this.changed();
    }

    selectEpisode(episode) {
      this.episode = episode;
      const length = episode.end_s - episode.start_s;
      if (this.view.speed < 6.25) this.view.zoomTo(25);
      if (length < this.view.seconds) this.view.centreOn(episode.start_s + length / 2);
      else this.view.moveTo(episode.start_s - 0.1 * this.view.seconds);
      const details = episode.detail || ecg.length(length);
      this.say(`${episode.name} at ${this.clock.text(episode.start_s, 1)}: ${details}`);
      this.changed();
    }

    // a click or a tap: the beat nearest to it, or the episode under it
    tap(seconds, y) {
      if (y >= this.place.episodes && y < this.place.beats) {
        const row = Math.floor((y - this.place.episodes) / this.place.episodeHeight);
        const hit = this.episodes.find((one) => one.row === row && one.start_s <= seconds && one.end_s >= seconds);
        if (hit) this.selectEpisode(hit);
        return;
      }
      const found = this.beats.nearest(seconds, 16 / this.view.pixelsPerSecond);
      if (found === null) return;
      this.selected = found;
      this.panel.showBeat();
      this.say("");
      this.list.follow();
      this.changed();
    }

    // paper is white: the colours of the light theme, and no waiting for the next frame
    print(on) {
      this.classList.toggle("printing", on);
      this.ink.read();
      this.find("strips").replaceChildren();
      if (on) ecg.printStrips(this);
      this.repaint();
    }
  }
  if (!customElements.get("ecg-viewer")) customElements.define("ecg-viewer", EcgViewer);
})((window.ecgViewer ??= {}));
