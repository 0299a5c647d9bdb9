// Masks and heatmaps over the image. A grey picture is coloured like every heatmap here; one with colours is laid on as it is.
((dicom) => {
  "use strict";
  const isGrey = ({ data }) => {
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] !== data[i + 1] || data[i] !== data[i + 2] || data[i + 3] !== 255) return false;
    }
    return true;
  };

  const load = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return isGrey(context.getImageData(0, 0, canvas.width, canvas.height)) ? window.heatMap.colourise(image) : canvas;
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
