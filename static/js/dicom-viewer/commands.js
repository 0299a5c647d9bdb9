// What the buttons and the keys do, with the stage that was used last. Keys work while a stage has the focus.
((dicom) => {
  "use strict";
  const KEYS = {
    ArrowLeft: "previous", ArrowUp: "previous", ArrowRight: "next", ArrowDown: "next", PageUp: "back", PageDown: "forth", Home: "first", End: "last",
    " ": "cine", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 0: "fit", 1: "pixels", i: "invert", d: "window", z: "zoom", p: "pan",
    l: "length", a: "angle", o: "overlay", r: "reset", c: "darker", C: "brighter", w: "narrower", W: "wider", "?": "help",
  };
  const MOVES = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  const tone = (pane, centre, width) => {
    if (!pane.tone) return;
    pane.viewer.setTone(pane, { centre: pane.tone.centre + centre * 0.05 * pane.tone.width, width: pane.tone.width * width });
  };
  const choose = (tool) => (pane, byKey) => {
    pane.viewer.tool = tool;
    if (byKey && (tool === "length" || tool === "angle")) pane.measures.addInMiddle(tool);
  };

  dicom.COMMANDS = {
    previous: (pane) => pane.show(pane.index - 1),
    next: (pane) => pane.show(pane.index + 1),
    back: (pane) => pane.show(pane.index - 10),
    forth: (pane) => pane.show(pane.index + 10),
    first: (pane) => pane.show(0),
    last: (pane) => pane.show(pane.stack.length - 1),
    cine: (pane) => pane.play(!pane.playing),
    "zoom-in": (pane) => pane.view.zoomTo(pane.view.scale * 1.25),
    "zoom-out": (pane) => pane.view.zoomTo(pane.view.scale / 1.25),
    fit: (pane) => pane.view.fit(),
    pixels: (pane) => pane.view.zoomTo(1),
    invert: (pane) => {
      pane.inverted = !pane.inverted;
      pane.words.tone();
    },
    window: choose("window"),
    zoom: choose("zoom"),
    pan: choose("pan"),
    length: choose("length"),
    angle: choose("angle"),
    overlay: (pane) => {
      pane.overlays.name = pane.overlays.name ? "" : pane.overlays.given[0]?.name ?? "";
    },
    reset: (pane) => {
      pane.inverted = false;
      pane.view.fit();
      if (pane.frame) pane.viewer.setTone(pane, pane.firstTone());
    },
    darker: (pane) => tone(pane, 1, 1), // a higher centre
    brighter: (pane) => tone(pane, -1, 1),
    narrower: (pane) => tone(pane, 0, 1 / 1.1),
    wider: (pane) => tone(pane, 0, 1.1),
    help: ({ viewer }) => {
      const help = viewer.find("help");
      help.open = !help.open;
    },
    compare: ({ viewer }) => viewer.compare(),
  };

  dicom.listenToCommands = (viewer) => {
    const run = (name, byKey) => {
      const pane = viewer.active;
      if (!pane?.place) return;
      dicom.COMMANDS[name](pane, byKey);
      viewer.refresh(viewer.active);
      pane.changed();
    };
    viewer.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) run(button.dataset.do, event.detail === 0); // Enter and the space bar click, too
    });
    viewer.addEventListener("keydown", (event) => {
      const stage = event.target.closest("[data-part=stage]");
      if (!stage || event.target !== stage || event.ctrlKey || event.metaKey || event.altKey) return;
      viewer.activate(viewer.panes.find((pane) => pane.stage === stage));
      const move = event.shiftKey && MOVES[event.key];
      if (!move && !KEYS[event.key]) return;
      event.preventDefault();
      if (move) {
        viewer.active.view.panBy(40 * move[0], 40 * move[1]);
        viewer.active.changed();
      } else run(KEYS[event.key], true);
    });
    viewer.addEventListener("focusin", (event) => {
      const pane = viewer.panes.find(({ root }) => root.contains(event.target));
      if (pane) viewer.activate(pane);
    });
    viewer.find("preset").addEventListener("change", ({ target }) => viewer.usePreset(target.value));
    viewer.find("laid").addEventListener("change", ({ target }) => {
      viewer.active.overlays.name = target.value;
      viewer.active.changed();
      viewer.refresh(viewer.active);
    });
    viewer.find("opacity").addEventListener("input", ({ target }) => {
      for (const pane of viewer.panes) {
        pane.overlays.opacity = target.value / 100;
        pane.changed();
      }
      target.setAttribute("aria-valuetext", `${target.value} percent`);
    });
  };
})((window.dicomViewer ??= {}));
