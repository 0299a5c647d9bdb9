// <page-overlay>: two check boxes show a page and the trace that was read from it, and a slider fades the trace.
(() => {
  "use strict";

  class PageOverlay extends HTMLElement {
    connectedCallback() {
      const slider = this.querySelector('input[type="range"]');
      const output = this.querySelector("output");
      if (!slider || !output) return;
      const part = (name) => this.querySelector(`[data-part="${name}"]`);
      for (const box of this.querySelectorAll("[data-shows]")) {
        const show = () => {
          part(box.dataset.shows).style.visibility = box.checked ? "visible" : "hidden"; // keeps its place
        };
        box.addEventListener("change", show);
        show();
      }
      const fade = () => {
        part("trace").style.opacity = String(slider.value / 100);
        output.value = `${slider.value} %`;
        slider.setAttribute("aria-valuetext", `${slider.value} percent`);
      };
      slider.addEventListener("input", fade);
      fade();
    }
  }
  customElements.define("page-overlay", PageOverlay);
})();
