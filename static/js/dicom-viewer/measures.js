// Lengths and angles on the image. Every end is a handle that can be dragged, or reached with Tab and moved with the arrow keys.
((dicom) => {
  "use strict";
  const COLOUR = "#ffd54f";
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  dicom.Measures = class {
    constructor(pane) {
      this.pane = pane;
      this.all = new Map(); // by frame
      this.list = pane.find("measures");
    }

    get here() {
      const { place, viewer } = this.pane;
      return place ? this.all.get(viewer.frames.key(place)) ?? [] : [];
    }

    add(kind, from, to) {
      const { place, view, viewer } = this.pane;
      if (!place) return null;
      const one = dicom.measurement(kind, from, to);
      one.points = one.points.map((point) => view.clamp(point));
      this.all.set(viewer.frames.key(place), [...this.here, one]);
      this.show();
      return one;
    }

    // in the middle of what is seen, for who measures without a mouse
    addInMiddle(kind) {
      const { view } = this.pane;
      const [from, to] = [0.35, 0.65].map((part) => view.toImage(part * view.width, view.height / 2));
      if (this.add(kind, from, to)) this.handles.at(kind === "angle" ? -3 : -2).focus();
    }

    // a drawn angle gets its second arm where the first one was let go
    square(one) {
      one.points = dicom.measurement("angle", one.points[0], one.points[1]).points.map((point) => this.pane.view.clamp(point));
      this.move(one, 1, one.points[1]);
    }

    remove(one) {
      const key = this.pane.viewer.frames.key(this.pane.place);
      this.all.set(key, this.here.filter((other) => other !== one));
      this.show();
      this.pane.stage.focus();
    }

    // handles and list of the frame that is shown
    show() {
      for (const handle of this.handles ?? []) handle.remove();
      this.handles = [];
      this.list.replaceChildren(...this.here.map((one, number) => this.row(one, number)));
      this.here.forEach((one, number) => one.points.forEach((_, which) => this.handles.push(this.handle(one, number, which))));
      this.pane.stage.append(...this.handles);
      this.pane.changed();
    }

    name(one, number) {
      return `${one.kind === "angle" ? "Angle" : "Length"} ${number + 1}`;
    }

    text(one) {
      return dicom.reading(one, this.pane.place.instance);
    }

    row(one, number) {
      const row = document.createElement("li");
      const words = document.createElement("span");
      words.textContent = `${this.name(one, number)}: ${this.text(one)}`;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = "Remove";
      button.setAttribute("aria-label", `Remove ${this.name(one, number)}`);
      button.addEventListener("click", () => this.remove(one));
      row.append(words, " ", button);
      return row;
    }

    handle(one, number, which) {
      const handle = document.createElement("div");
      handle.className = "dicom-handle";
      handle.tabIndex = 0;
      handle.setAttribute("role", "slider");
      handle.setAttribute("aria-label", `${this.name(one, number)}, ${["first end", one.kind === "angle" ? "vertex" : "second end", "third end"][which]}`);
      handle.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        handle.setPointerCapture(event.pointerId);
      });
      handle.addEventListener("pointermove", (event) => {
        if (handle.hasPointerCapture(event.pointerId)) this.move(one, which, this.pane.view.toImage(...dicom.onStage(this.pane.stage, event)));
      });
      handle.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Delete" || event.key === "Backspace") this.remove(one);
        const step = STEPS[event.key];
        if (!step) return;
        event.preventDefault();
        const far = event.shiftKey ? 10 : 1;
        this.move(one, which, one.points[which].map((value, axis) => value + far * step[axis]));
      });
      return handle;
    }

    move(one, which, point) {
      one.points[which] = this.pane.view.clamp(point);
      const at = this.here.indexOf(one);
      this.list.children[at].firstChild.textContent = `${this.name(one, at)}: ${this.text(one)}`;
      this.pane.changed();
    }

    draw(context) {
      const { view } = this.pane;
      context.lineWidth = 1.5;
      context.font = `600 13px ${getComputedStyle(this.pane.root).fontFamily}`;
      let next = 0;
      for (const one of this.here) {
        const points = one.points.map((point) => view.toScreen(point));
        for (const [colour, width] of [["#000", 3.5], [COLOUR, 1.5]]) {
          [context.strokeStyle, context.lineWidth] = [colour, width];
          context.beginPath();
          points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
          context.stroke();
        }
        const [x, y] = points[1];
        context.lineWidth = 3;
        context.strokeStyle = "#000";
        context.strokeText(this.text(one), x + 10, y - 10);
        context.fillStyle = COLOUR;
        context.fillText(this.text(one), x + 10, y - 10);
        for (const point of points) this.put(this.handles[next++], one, point);
      }
    }

    put(handle, one, [x, y]) {
      handle.style.transform = `translate(${x}px, ${y}px)`;
      const value = one.kind === "angle" ? dicom.angle(...one.points, this.pane.place.instance.spacing_mm) ?? 0 : dicom.length(...one.points, this.pane.place.instance.spacing_mm);
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", one.kind === "angle" ? 180 : Math.ceil(value) + 1000);
      handle.setAttribute("aria-valuenow", Math.round(value * 10) / 10);
      handle.setAttribute("aria-valuetext", this.text(one));
    }
  };
})((window.dicomViewer ??= {}));
