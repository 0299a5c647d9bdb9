// <drop-zone> around a file input: takes dropped files, and lists what was chosen. Without it the input works as ever.
(() => {
  "use strict";
  const units = ["bytes", "kB", "MB", "GB"];
  const size = (bytes) => {
    let power = 0;
    let value = bytes;
    while (value >= 1000 && power < units.length - 1) {
      value /= 1000;
      power += 1;
    }
    return `${power ? value.toFixed(1) : value} ${units[power]}`;
  };

  class DropZone extends HTMLElement {
    connectedCallback() {
      this.label = this.querySelector(".dropzone");
      this.input = this.querySelector('input[type="file"]');
      this.list = this.querySelector(".file-list");
      if (!this.input || this.ready) return;
      this.ready = true;
      this.depth = 0; // dragenter and dragleave also fire for the children
      this.input.addEventListener("change", () => this.show());
      const form = this.closest("form");
      form?.addEventListener("reset", () => setTimeout(() => this.show()));
      form?.addEventListener("htmx:after:request", (event) => {
        if (event.detail.ctx.response?.raw.ok) form.reset(); // sent: the next choice begins empty
      });
      this.label.addEventListener("dragenter", (event) => this.drag(event, 1));
      this.label.addEventListener("dragleave", (event) => this.drag(event, -1));
      this.label.addEventListener("dragover", (event) => event.preventDefault());
      this.label.addEventListener("drop", (event) => this.drop(event));
      this.show();
    }

    drag(event, step) {
      event.preventDefault();
      this.depth += step;
      this.label.classList.toggle("over", this.depth > 0);
    }

    drop(event) {
      event.preventDefault();
      this.depth = 0;
      this.label.classList.remove("over");
      const files = [...event.dataTransfer.files];
      if (!files.length) return;
      const chosen = new DataTransfer();
      for (const file of this.input.multiple ? files : files.slice(0, 1)) chosen.items.add(file);
      this.input.files = chosen.files;
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    show() {
      const template = this.querySelector("template");
      const rows = [...this.input.files].map((file) => {
        const row = template.content.cloneNode(true);
        row.querySelector(".name").textContent = file.name;
        row.querySelector(".size").textContent = size(file.size);
        return row;
      });
      this.list.replaceChildren(...rows);
      this.list.hidden = !rows.length;
      const count = rows.length === 1 ? "1 file chosen" : `${rows.length} files chosen`;
      this.querySelector("[data-count]").textContent = rows.length ? count : "";
    }
  }
  customElements.define("drop-zone", DropZone);
})();
