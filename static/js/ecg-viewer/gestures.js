// Mouse, touch and wheel on the trace: drag to pan, pinch or wheel to zoom, tap to choose a beat.
((ecg) => {
  "use strict";
  const TAP = 5; // pixels a finger may tremble

  ecg.listenToGestures = (stage, viewer) => {
    const fingers = new Map();
    let pinch = null;
    let moved = 0;
    const inPlot = (event) => event.clientX - stage.getBoundingClientRect().left - stage.clientLeft - viewer.place.left;

    const measurePinch = () => {
      const [one, two] = [...fingers.values()];
      return { apart: Math.max(8, Math.abs(one.x - two.x)), middle: (one.x + two.x) / 2 };
    };

    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest("[role=slider]")) return;
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: inPlot(event), y: event.offsetY });
      moved = fingers.size === 1 ? 0 : TAP + 1;
      pinch = fingers.size === 2 ? measurePinch() : null;
    });

    stage.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const { view } = viewer;
      const dx = inPlot(event) - finger.x;
      finger.x += dx;
      moved += Math.abs(dx);
      if (pinch && fingers.size === 2) {
        const now = measurePinch();
        view.zoomTo((view.speed * now.apart) / pinch.apart, now.middle);
        view.moveBy((pinch.middle - now.middle) / view.pixelsPerSecond);
        pinch = now;
      } else if (moved > TAP) {
        view.moveBy(-dx / view.pixelsPerSecond);
      } else return;
      viewer.changed();
    });

    const lift = (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      fingers.delete(event.pointerId);
      pinch = null;
      if (event.type === "pointerup" && moved <= TAP) viewer.tap(viewer.view.time(finger.x), finger.y);
    };
    stage.addEventListener("pointerup", lift);
    stage.addEventListener("pointercancel", lift);

    // A wheel turned over a page scrolls the page; only a trace that was clicked, or a held key, takes it.
    stage.addEventListener("wheel", (event) => {
      const { view } = viewer;
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      const chosen = stage.contains(document.activeElement) || event.ctrlKey || event.metaKey;
      if (!sideways && !chosen) return;
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? stage.clientHeight : 1;
      if (sideways) view.moveBy(((event.deltaX || event.deltaY) * unit) / view.pixelsPerSecond);
      else view.zoomTo(view.speed * Math.exp((-event.deltaY * unit) / (event.ctrlKey ? 120 : 400)), inPlot(event));
      viewer.changed();
    }, { passive: false });
  };
})((window.ecgViewer ??= {}));
