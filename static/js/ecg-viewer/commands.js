// What the buttons and the keys do. Keys work while the trace has the focus, so that they are no trap elsewhere.
((ecg) => {
  "use strict";
  const KEYS = {
    ArrowLeft: "left", ArrowRight: "right", PageUp: "page-left", PageDown: "page-right", Home: "start", End: "end",
    "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 0: "paper", w: "whole",
    n: "next-pvc", p: "previous-pvc", x: "next-ectopic", X: "previous-ectopic", e: "next-episode", E: "previous-episode",
    ".": "next-beat", ",": "previous-beat", c: "calipers", m: "march", h: "heat", g: "go", o: "override",
  };
  const WITH_SHIFT = { ArrowLeft: "page-left", ArrowRight: "page-right" };

  const seekBeat = (viewer, direction, passes, name) => {
    const { view, beats, selected } = viewer;
    const seen = selected !== null && view.has(beats.times[selected]) ? selected : null;
    const found = beats.seek(seen, direction > 0 ? view.start : view.end, direction, passes);
    if (found === null) viewer.say(`No ${name} ${direction > 0 ? "after" : "before"} this.`);
    else viewer.select(found);
  };

  const seekEpisode = (viewer, direction) => {
    const { view, episodes, episode } = viewer;
    const seen = episode && episode.start_s < view.end && episode.end_s > view.start;
    const from = seen ? episode.start_s : direction > 0 ? view.start - 1e-3 : view.end;
    const found = direction > 0 ? episodes.find((one) => one.start_s > from) : episodes.findLast((one) => one.start_s < from);
    if (found) viewer.selectEpisode(found);
    else viewer.say(`No episode ${direction > 0 ? "after" : "before"} this.`);
  };

  const pvc = (beats) => (i) => beats.isPvc(i);
  const ectopic = (beats) => (i) => beats.isEctopic(i);

  ecg.COMMANDS = {
    left: (viewer) => viewer.view.moveBy(-0.1 * viewer.view.seconds),
    right: (viewer) => viewer.view.moveBy(0.1 * viewer.view.seconds),
    "page-left": (viewer) => viewer.view.moveBy(-0.9 * viewer.view.seconds),
    "page-right": (viewer) => viewer.view.moveBy(0.9 * viewer.view.seconds),
    start: (viewer) => viewer.view.moveTo(0),
    end: (viewer) => viewer.view.moveTo(viewer.view.duration),
    "zoom-in": (viewer) => viewer.view.zoomStep(1),
    "zoom-out": (viewer) => viewer.view.zoomStep(-1),
    paper: (viewer) => viewer.view.zoomTo(25),
    whole: (viewer) => viewer.view.zoomTo(0),
    "next-pvc": (viewer) => seekBeat(viewer, 1, pvc(viewer.beats), "PVC"),
    "previous-pvc": (viewer) => seekBeat(viewer, -1, pvc(viewer.beats), "PVC"),
    "next-ectopic": (viewer) => seekBeat(viewer, 1, ectopic(viewer.beats), "ectopic beat"),
    "previous-ectopic": (viewer) => seekBeat(viewer, -1, ectopic(viewer.beats), "ectopic beat"),
    "next-beat": (viewer) => seekBeat(viewer, 1, undefined, "beat"),
    "previous-beat": (viewer) => seekBeat(viewer, -1, undefined, "beat"),
    "next-episode": (viewer) => seekEpisode(viewer, 1),
    "previous-episode": (viewer) => seekEpisode(viewer, -1),
    calipers: (viewer) => viewer.calipers.toggle(),
    march: (viewer) => {
      viewer.calipers.march = !viewer.calipers.march;
      if (viewer.calipers.march && !viewer.calipers.on) viewer.calipers.toggle();
    },
    heat: (viewer) => {
      viewer.heat = !viewer.heat;
    },
    clock: (viewer) => {
      viewer.clock.ofDay = !viewer.clock.ofDay;
      viewer.relabel();
    },
    go: (viewer) => viewer.find("time").focus(),
    override: (viewer) => viewer.find("label")?.focus(),
  };

  ecg.listenToCommands = (viewer) => {
    const run = (name) => {
      ecg.COMMANDS[name](viewer);
      viewer.changed();
    };
    viewer.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button && viewer.ready) run(button.dataset.do);
    });
    viewer.find("stage").addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !viewer.ready) return;
      const name = (event.shiftKey && WITH_SHIFT[event.key]) || KEYS[event.key];
      if (!name) return;
      event.preventDefault();
      run(name);
    });
    viewer.querySelector(".ecg-leads").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.currentTarget.open = false;
      event.currentTarget.querySelector("summary").focus();
    });
    viewer.find("go").addEventListener("submit", (event) => {
      event.preventDefault();
      const time = viewer.clock.parse(viewer.find("time").value);
      if (time === null || time > viewer.view.duration) {
        viewer.say(`The recording has no such time. It goes from ${viewer.clock.text(0)} to ${viewer.clock.text(viewer.view.duration)}.`);
        return;
      }
      viewer.view.centreOn(time);
      viewer.say(`At ${viewer.clock.text(time)}.`);
      viewer.changed();
    });
    viewer.find("speed").addEventListener("change", (event) => {
      const { value } = event.target;
      if (value.startsWith("show-")) viewer.view.show(Number(value.slice(5)) || viewer.view.duration);
      else if (value) viewer.view.zoomTo(Number(value));
      viewer.changed();
    });
    viewer.find("gain").addEventListener("change", (event) => {
      viewer.view.gain = Number(event.target.value);
      viewer.repaint();
    });
  };
})((window.ecgViewer ??= {}));
