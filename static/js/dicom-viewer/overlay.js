// Masks and heatmaps over the image. A grey picture is coloured like every heatmap here, one of the shades of a mask as a mask; one
// with colours is laid on as it is.
((dicom) => {
  "use strict";
  const SHADES = { 0: null, 70: [66, 165, 245], 255: [239, 83, 80] }; // nothing, lungs, heart; ml/dicom/capture.py draws them so, too

  const isGrey = ({ data }) => {
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] !== data[i + 1] || data[i] !== data[i + 2] || data[i + 3] !== 255) return false;
    }
    return true;
  };
  const isMask = ({ data }) => data.every((value, i) => i % 4 === 3 || value in SHADES);

  const load = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    if (!isGrey(pixels)) return canvas;
    if (!isMask(pixels)) return window.heatMap.colourise(image);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const colour = SHADES[pixels.data[i]];
      if (colour) pixels.data.set(colour, i);
      else pixels.data[i + 3] = 0;
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  };

  dicom.Overlays = class {
    constructor(pane) {
      this.pane = pane;
      this.loaded = new Map();
      this.name = "";
      this.opacity = 0.5;
    }

    get given() {
      return this.pane.place?.instance.overlays ?? [];
    }

    // the picture to lay on, if it is chosen and here; what is missing is fetched
    picture() {
      const chosen = this.given.find(({ name }) => name === this.name);
      if (!chosen) return null;
      if (!this.loaded.has(chosen.url)) {
        this.loaded.set(chosen.url, null);
        load(chosen.url).then((canvas) => {
          this.loaded.set(chosen.url, canvas);
          this.pane.changed();
        }, () => this.pane.complain(`${chosen.name} could not be loaded. Reload the page to try again.`));
      }
      return this.loaded.get(chosen.url);
    }
  };
})((window.dicomViewer ??= {}));
