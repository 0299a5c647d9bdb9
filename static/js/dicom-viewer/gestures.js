// Mouse, touch and wheel on the stage. One pointer does what the chosen tool says, two pinch and move, the wheel scrolls frames.
((dicom) => {
  "use strict";
  const NOTCH = 60; // pixels of wheel for one frame

  dicom.onStage = (stage, event) => {
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
  };

  // what a drag by (dx, dy) does; a drag over the whole stage goes through the whole range of values
  const DRAGS = {
    window: (pane, { dx, dy }) => {
      if (!pane.tone || !pane.frame) return;
      const { width } = dicom.whole(pane.frame);
      const step = width / Math.max(200, pane.view.width);
      pane.viewer.setTone(pane, { centre: pane.tone.centre + dy * step, width: pane.tone.width + dx * step });
    },
    pan: (pane, { dx, dy }) => pane.view.panBy(dx, dy),
    zoom: (pane, { dy, began }) => pane.view.zoomTo(pane.view.scale * Math.exp(-dy / 200), ...began),
    measure: (pane, { drawn, at }) => drawn && pane.measures.move(drawn, 1, pane.view.toImage(...at)),
  };

  dicom.listenToGestures = (pane) => {
    const { stage, viewer } = pane;
    const fingers = new Map();
    let pinch = null;
    let drag = null;
    let turned = 0;

    const measurePinch = () => {
      const [one, two] = [...fingers.values()];
      return { apart: Math.max(16, Math.hypot(one[0] - two[0], one[1] - two[1])), middle: [(one[0] + two[0]) / 2, (one[1] + two[1]) / 2] };
    };

    const begin = (event, at) => {
      const tool = event.button === 1 || event.shiftKey ? "pan" : event.button === 2 ? "zoom" : viewer.tool;
      const measuring = tool === "length" || tool === "angle";
      drag = { act: DRAGS[measuring ? "measure" : tool], began: at, at, kind: measuring ? tool : null, drawn: null };
    };

    stage.addEventListener("pointerdown", (event) => {
      if (event.target.closest("[role=slider]")) return;
      viewer.activate(pane);
      stage.setPointerCapture(event.pointerId);
      const at = dicom.onStage(stage, event);
      fingers.set(event.pointerId, at);
      pinch = fingers.size === 2 ? measurePinch() : null;
      if (fingers.size === 1) begin(event, at);
      else drag = null;
    });

    stage.addEventListener("pointermove", (event) => {
      const at = dicom.onStage(stage, event);
      pane.words.value(at);
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, at);
      if (pinch && fingers.size === 2) {
        const now = measurePinch();
        pane.view.zoomTo((pane.view.scale * now.apart) / pinch.apart, ...now.middle);
        pane.view.panBy(now.middle[0] - pinch.middle[0], now.middle[1] - pinch.middle[1]);
        pinch = now;
      } else if (drag) {
        if (drag.kind) drag.drawn ??= pane.measures.add(drag.kind, pane.view.toImage(...drag.began), pane.view.toImage(...at));
        drag.act(pane, { ...drag, at, dx: at[0] - drag.at[0], dy: at[1] - drag.at[1] });
        drag.at = at;
      }
      pane.changed();
    });

    const lift = (event) => {
      if (!fingers.delete(event.pointerId)) return;
      if (drag?.kind === "angle" && drag.drawn) pane.measures.square(drag.drawn);
      [pinch, drag] = [null, null];
    };
    stage.addEventListener("pointerup", lift);
    stage.addEventListener("pointercancel", lift);
    stage.addEventListener("contextmenu", (event) => event.preventDefault()); // the right button zooms

    // A wheel turned over a page scrolls the page; only a stage that was clicked, or a held key, takes it.
    stage.addEventListener("wheel", (event) => {
      const chosen = stage.contains(document.activeElement) || event.ctrlKey || event.metaKey;
      if (!chosen) return;
      event.preventDefault();
      const way = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? stage.clientHeight : 1);
      if (event.ctrlKey || event.metaKey) pane.view.zoomTo(pane.view.scale * Math.exp(-way / 200), ...dicom.onStage(stage, event));
      else {
        turned += way;
        const by = Math.trunc(turned / NOTCH);
        turned -= by * NOTCH;
        if (by) pane.show(pane.index + by);
      }
      pane.changed();
    }, { passive: false });
  };
})((window.dicomViewer ??= {}));
