// <heat-map>: colours an 8-bit grey map in a canvas over the image, and lets a slider fade it. The viewer of DICOM colours by it, too.
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
    return canvas;
  };

  class HeatMap extends HTMLElement {
    connectedCallback() {
      const image = this.querySelector("img.heatmap-overlay");
      const slider = this.querySelector('input[type="range"]');
      const output = this.querySelector("output");
      if (!image || !slider) return;
      this.overlay = image;
      const fade = () => {
        this.overlay.style.opacity = String(slider.value / 100);
        output.value = `${slider.value} %`;
        slider.setAttribute("aria-valuetext", `${slider.value} percent`);
      };
      slider.addEventListener("input", fade);
      fade();
      image.decode().then(() => {
        const canvas = heat.colourise(image);
        image.replaceWith(canvas);
        this.overlay = canvas;
        fade();
      }).catch(() => {}); // the grey map stays
    }
  }
  customElements.define("heat-map", HeatMap);
})((window.heatMap ??= {}));
