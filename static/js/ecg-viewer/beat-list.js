// The list of beats: a table of 100 rows at a time, filtered by class. The time of a row is the button that goes there.
((ecg) => {
  "use strict";
  const PAGE = 100;
  const number = (value) => value.toLocaleString("en-GB");

  ecg.BeatList = class {
    constructor(root, viewer) {
      this.viewer = viewer;
      this.root = root;
      this.filter = viewer.find("filter");
      this.body = root.querySelector("tbody");
      this.count = root.querySelector("[data-part=count]");
      this.back = root.querySelector("[data-part=back]");
      this.forth = root.querySelector("[data-part=forth]");
      this.page = 0;
      this.filter.addEventListener("change", () => this.choose());
      this.back.addEventListener("click", () => this.turn(-1));
      this.forth.addEventListener("click", () => this.turn(1));
      this.body.addEventListener("click", (event) => {
        const row = event.target.closest("tr");
        if (row) viewer.select(Number(row.dataset.beat));
      });
      root.addEventListener("toggle", () => this.show());
    }

    // the classes with their counts, and what is overridden
    refresh() {
      const { beats } = this.viewer;
      const counts = beats.counts();
      const options = [new Option(`All beats (${number(beats.length)})`, "all")];
      for (const at of [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a))) {
        options.push(new Option(`${beats.letterOf(at)} · ${beats.name(at)} (${number(counts.get(at))})`, beats.name(at)));
      }
      if (beats.overridden.size) options.push(new Option(`Overridden (${number(beats.overridden.size)})`, "overridden"));
      const before = this.filter.value || "all";
      this.filter.replaceChildren(...options);
      this.filter.value = options.some((option) => option.value === before) ? before : "all";
      this.chosen = beats.choose(this.filter.value);
      this.turn(0);
    }

    choose() {
      this.chosen = this.viewer.beats.choose(this.filter.value);
      this.page = 0;
      this.show();
    }

    get pages() {
      return Math.max(1, Math.ceil(this.chosen.length / PAGE));
    }

    turn(by) {
      this.page = Math.max(0, Math.min(this.pages - 1, this.page + by));
      this.show();
    }

    // go to the page on which the chosen beat stands, if it is listed
    follow() {
      if (!this.chosen || !this.root.open) return;
      const at = this.chosen.indexOf(this.viewer.selected);
      if (at >= 0) this.page = Math.floor(at / PAGE);
      this.show();
    }

    show() {
      if (!this.chosen || !this.root.open) return;
      const shown = this.chosen.slice(this.page * PAGE, (this.page + 1) * PAGE);
      const focused = this.body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.beat : null;
      this.body.replaceChildren(...shown.map((index) => this.row(index)));
      if (focused) this.body.querySelector(`[data-beat="${focused}"] button`)?.focus({ preventScroll: true });
      const first = this.page * PAGE + 1;
      this.count.textContent = shown.length ? `${number(first)} to ${number(first + shown.length - 1)} of ${number(this.chosen.length)}` : "No beat";
      this.back.disabled = this.page === 0;
      this.forth.disabled = this.page >= this.pages - 1;
    }

    row(index) {
      const { beats, clock, selected } = this.viewer;
      const row = document.createElement("tr");
      row.dataset.beat = index;
      if (index === selected) row.setAttribute("aria-current", "true");
      const time = document.createElement("th");
      time.scope = "row";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ecg-time";
      button.textContent = clock.text(beats.times[index], 2);
      time.append(button);
      const confidence = beats.confidences[index];
      row.append(time, this.classCell(beats.model[index]), this.cell(confidence == null ? "–" : `${confidence} %`, "num"),
        this.cell(beats.rr(index) === null ? "–" : number(beats.rr(index)), "num"));
      const override = this.cell(beats.overridden.has(index) ? "" : "–");
      if (beats.overridden.has(index)) {
        override.replaceChildren(...this.classCell(beats.now[index]).childNodes, " ", this.mark());
      }
      row.append(override);
      return row;
    }

    cell(text, className = "") {
      const cell = document.createElement("td");
      cell.className = className;
      cell.textContent = text;
      return cell;
    }

    classCell(at) {
      const { beats } = this.viewer;
      const cell = document.createElement("td");
      const letter = document.createElement("span");
      letter.className = "ecg-letter";
      letter.dataset.letter = letter.textContent = beats.letterOf(at);
      cell.append(letter, ` ${beats.name(at)}`);
      return cell;
    }

    mark() {
      const mark = document.createElement("span");
      mark.className = "ecg-overridden";
      mark.textContent = "overridden";
      return mark;
    }
  };
})((window.ecgViewer ??= {}));
