// The trace itself: a line through samples, or the range of each column where there are too many of them.
((ecg) => {
  "use strict";
  const STROKE = 256; // points in one path: a browser that draws without a GPU is slow with long ones

  // A missing sample lifts the pen. The pen goes on from one tile to the next.
  const putDown = (context, pen, x, y) => {
    if (pen.down) context.lineTo(x, y);
    else context.moveTo(x, y);
    pen.drawn = (pen.drawn ?? 0) + 1;
    if (pen.drawn % STROKE === 0) {
      context.stroke();
      context.beginPath();
      context.moveTo(x, y);
    }
    pen.alone = !pen.down;
    Object.assign(pen, { down: true, x, y });
  };

  const lift = (context, pen) => {
    if (pen.alone) context.lineTo(pen.x + 1, pen.y); // a sample between two gaps is still seen
    pen.down = pen.alone = false;
  };

  // Where several samples fall on one pixel, the least and the greatest of them are drawn: no peak is lost.
  const drawSamples = (frame, values, tile, y, pen, from, to) => {
    const { context, view, place, ratio } = frame;
    const first = Math.max(0, Math.ceil((Math.max(from, view.start) - tile.from) / tile.step) - 1);
    const last = Math.min(values.length - 1, Math.floor((Math.min(to, view.end) - tile.from) / tile.step) + 1);
    const apart = tile.step * view.pixelsPerSecond;
    const origin = place.left + (tile.from - view.start) * view.pixelsPerSecond;
    const together = Math.max(1, Math.round(1 / ratio / apart));
    for (let i = first - (first % together); i <= last; i += together) {
      let low = -1;
      let high = -1;
      for (let j = i; j < Math.min(i + together, values.length); j += 1) {
        if (Number.isNaN(values[j])) continue;
        if (low < 0 || values[j] < values[low]) low = j;
        if (high < 0 || values[j] > values[high]) high = j;
      }
      if (low < 0) {
        lift(context, pen);
        continue;
      }
      const [one, two] = low < high ? [low, high] : [high, low];
      putDown(context, pen, origin + one * apart, y(values[one]));
      if (two !== one) putDown(context, pen, origin + two * apart, y(values[two]));
    }
  };

  // One bar for each device pixel, from least to most, made to touch the bar before it.
  const drawEnvelope = (frame, values, tile, y, pen, from, to) => {
    const { context, view, place, ratio } = frame;
    const wide = tile.step * view.pixelsPerSecond;
    const width = Math.max(1 / ratio, wide);
    const first = Math.max(0, Math.floor((Math.max(from, view.start) - tile.from) / tile.step));
    const last = Math.min(values.length / 2, Math.ceil((Math.min(to, view.end) - tile.from) / tile.step));
    const origin = place.left + (tile.from - view.start) * view.pixelsPerSecond;
    const flush = () => {
      if (pen.low === undefined) return;
      const low = pen.before && pen.before.high < pen.low ? pen.before.high : pen.low;
      const high = pen.before && pen.before.low > pen.high ? pen.before.low : pen.high;
      context.fillRect(pen.column / ratio, y(high) - 0.6, width, y(low) - y(high) + 1.2);
      pen.before = { low: pen.low, high: pen.high };
      pen.low = undefined;
    };
    for (let i = first; i < last; i += 1) {
      const low = values[2 * i];
      const high = values[2 * i + 1];
      if (Number.isNaN(low)) {
        flush();
        pen.before = null;
        continue;
      }
      const column = Math.floor((origin + i * wide) * ratio);
      if (pen.low !== undefined && column === pen.column) {
        pen.low = Math.min(pen.low, low);
        pen.high = Math.max(pen.high, high);
        continue;
      }
      flush();
      Object.assign(pen, { column, low, high });
    }
    flush();
  };

  ecg.drawTrace = (frame, tiles) => {
    const { context, view, place, ink } = frame;
    const { level, first, last } = tiles.seen(view);
    context.save();
    context.beginPath();
    context.rect(place.left, place.top, place.width - place.left, place.bottom - place.top);
    context.clip();
    context.strokeStyle = context.fillStyle = ink.trace;
    context.lineWidth = 1.25;
    context.lineJoin = "bevel"; // a mitre would add height to an R peak
    for (const { lead, zero } of place.lanes) {
      const shift = frame.shift(lead);
      const y = (value) => zero - (value - shift) * view.gain * ecg.MM;
      const pen = {};
      context.beginPath();
      for (let index = first; index <= last; index += 1) {
        tiles.touch(level, index);
        const tile = tiles.find(level, index);
        const values = tile?.leads[lead];
        if (!values) {
          pen.down = false;
          continue;
        }
        const from = index * tiles.span(level);
        const draw = tile.kind === "samples" ? drawSamples : drawEnvelope;
        const exact = tile.step * view.pixelsPerSecond <= 4 || tile.kind === "samples";
        context.globalAlpha = exact ? 1 : 0.35; // a coarser tile stands in until the right one comes
        draw(frame, values, tile, y, pen, from, from + tiles.span(level));
        context.globalAlpha = 1;
      }
      context.stroke();
    }
    context.restore();
  };
})((window.ecgViewer ??= {}));
