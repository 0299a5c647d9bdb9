// On paper the window is cut into strips under each other, so that 25 mm/s are 25 mm/s. A window too long for that is fitted
// to the page instead, and says so.
((ecg) => {
  "use strict";
  const STRIP_MM = 160; // fits A4 and Letter between their margins
  const MOST = 12;
  const DOTS = 3; // device pixels of a CSS pixel

  ecg.printStrips = (viewer) => {
    const { view } = viewer;
    const place = ecg.layout(STRIP_MM * ecg.MM, viewer.leads, viewer.rows, view.gain);
    const width = place.width - place.left;
    const seconds = width / view.pixelsPerSecond;
    const end = Math.min(view.end, view.duration);
    const count = Math.ceil((end - view.start) / seconds - 1e-6);
    const holder = viewer.find("strips");
    if (count > MOST) {
      viewer.find("fitted").textContent = "Fitted to the page: measure by the squares.";
      return;
    }
    const strips = Array.from({ length: count }, (_, i) => {
      const canvas = document.createElement("canvas");
      viewer.paint(canvas, { view: view.strip(view.start + i * seconds, width), place, ratio: DOTS });
      return canvas;
    });
    holder.replaceChildren(...strips);
    viewer.find("fitted").textContent = "To scale where the page is printed at 100 %.";
  };
})((window.ecgViewer ??= {}));
