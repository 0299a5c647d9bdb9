// Where the image lies on the screen: the one place where pixels of the image become CSS pixels of the stage.
((dicom) => {
  "use strict";
  const MOST = 32; // CSS pixels per pixel of the image
  const LEAST = 0.02;

  dicom.View = class {
    constructor() {
      [this.width, this.height, this.columns, this.rows, this.aspect] = [1, 1, 1, 1, 1];
      [this.scale, this.left, this.top] = [1, 0, 0];
      this.fitted = true; // stays fitted when the stage changes its size
    }

    // pixels that are higher than wide are drawn so
    show({ columns, rows, spacing_mm: spacing }) {
      const aspect = spacing ? spacing[0] / spacing[1] : 1;
      if (columns === this.columns && rows === this.rows && aspect === this.aspect) return;
      Object.assign(this, { columns, rows, aspect });
      this.fit();
    }

    resize(width, height) {
      this.left += (width - this.width) / 2;
      this.top += (height - this.height) / 2;
      Object.assign(this, { width, height });
      if (this.fitted) this.fit();
    }

    fit() {
      this.scale = Math.min(this.width / this.columns, this.height / (this.rows * this.aspect));
      this.left = (this.width - this.columns * this.scale) / 2;
      this.top = (this.height - this.rows * this.aspect * this.scale) / 2;
      this.fitted = true;
    }

    // what is under (x, y) stays under it
    zoomTo(scale, x = this.width / 2, y = this.height / 2) {
      const held = this.toImage(x, y);
      this.scale = Math.max(LEAST, Math.min(MOST, scale));
      this.fitted = false;
      const [nowX, nowY] = this.toScreen(held);
      this.panBy(x - nowX, y - nowY);
    }

    // a piece of the image stays on the stage
    panBy(dx, dy) {
      const [wide, high] = [this.columns * this.scale, this.rows * this.aspect * this.scale];
      const keep = 32;
      this.left = Math.max(keep - wide, Math.min(this.width - keep, this.left + dx));
      this.top = Math.max(keep - high, Math.min(this.height - keep, this.top + dy));
      this.fitted = false;
    }

    toScreen([x, y]) {
      return [this.left + x * this.scale, this.top + y * this.scale * this.aspect];
    }

    toImage(x, y) {
      return [(x - this.left) / this.scale, (y - this.top) / (this.scale * this.aspect)];
    }

    // the nearest point that lies on the image
    clamp([x, y]) {
      return [Math.max(0, Math.min(this.columns, x)), Math.max(0, Math.min(this.rows, y))];
    }
  };
})((window.dicomViewer ??= {}));
