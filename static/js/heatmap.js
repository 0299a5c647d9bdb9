// <heat-map>: colours 8-bit grey maps in a canvas over the image, lets a slider fade them and radio buttons choose one.
// The viewer of DICOM colours by it, too.
((heat) => {
  "use strict";
  // Nine stops of a perceptually uniform dark-to-bright map; the legend in components/heatmap.html shows the same.
  const stops = [
    [0, 0, 4], [27, 12, 65], [74, 12, 107], [120, 28, 109], [165, 44, 96],
    [207, 68, 70], [237, 105, 37], [251, 155, 6], [252, 255, 164],
  ];
  const table = Array.from({ length: 256 }, (_, value) => {
    const at = (value / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((channel, i) => Math.round(channel + (stops[low + 1][i] - channel) * (at - low)));
  });

  heat.colourise = (image) => {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const value = pixels.data[i];
      pixels.data.set(table[value], i);
      pixels.data[i + 3] = value;
    }
    context.putImageData(pixels, 0, 0);
    canvas.className = "heatmap-overlay";
    canvas.setAttribute("aria-hidden", "true");
    canvas.dataset.shows = image.dataset.shows ?? "";
    return canvas;
  };

  class HeatMap extends HTMLElement {
    connectedCallback() {
      const images = this.querySelectorAll("img.heatmap-overlay");
      const slider = this.querySelector('input[type="range"]');
      const output = this.querySelector("output");
      if (!images.length || !slider) return;
      const show = () => {
        const chosen = this.querySelector('input[type="radio"]:checked');
        for (const overlay of this.querySelectorAll(".heatmap-overlay")) {
          overlay.style.opacity = String(slider.value / 100);
          overlay.hidden = Boolean(chosen) && overlay.dataset.shows !== chosen.value;
        }
        output.value = `${slider.value} %`;
        slider.setAttribute("aria-valuetext", `${slider.value} percent`);
      };
      slider.addEventListener("input", show);
      for (const radio of this.querySelectorAll('input[type="radio"]')) radio.addEventListener("change", show);
      show();
      for (const image of images) {
        image.decode().then(() => {
          image.replaceWith(heat.colourise(image));
          show();
        }).catch(() => {}); // the grey map stays
      }
    }
  }
  customElements.define("heat-map", HeatMap);
})((window.heatMap ??= {}));
