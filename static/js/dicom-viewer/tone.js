// From values to grey or colour on the screen: window or table, inversion (PS3.3 C.11.2; the server's ml/dicom/display.py does the same).
((dicom) => {
  "use strict";
  const TAILS = [0.005, 0.995]; // black and white where the object gives no window
  const MOST_SAMPLED = 65536;

  // a value in the units of the modality
  dicom.inUnits = (frame, value) => value * frame.slope + frame.intercept;

  // the middle 99 % of the values
  dicom.automatic = (frame) => {
    if (frame.samples === 3) return { centre: 128, width: 256 };
    const step = Math.max(1, Math.floor(frame.values.length / MOST_SAMPLED));
    const sampled = frame.values.filter((_, i) => i % step === 0).sort((a, b) => a - b);
    const [low, high] = TAILS.map((part) => dicom.inUnits(frame, sampled[Math.round(part * (sampled.length - 1))]));
    return { centre: (low + high) / 2, width: Math.max(1, high - low) };
  };

  // the least and the greatest value, looked for once
  const extent = (frame) => {
    if (!frame.extent) {
      let [least, most] = [Infinity, -Infinity];
      for (const value of frame.values) {
        if (value < least) least = value;
        if (value > most) most = value;
      }
      frame.extent = [dicom.inUnits(frame, least), dicom.inUnits(frame, most)];
    }
    return frame.extent;
  };

  dicom.whole = (frame) => {
    if (frame.samples === 3) return { centre: 128, width: 256 };
    const [low, high] = extent(frame);
    return { centre: (low + high) / 2, width: Math.max(1, Math.abs(high - low)) };
  };

  // how a window is meant (PS3.3 C.11.2.1.2 and C.11.2.1.3): from a value to a part of white, which the caller keeps from 0 to 1
  const between = (value, low, wide) => (wide > 0 ? (value - low) / wide : Number(value > low));
  const FUNCTIONS = {
    LINEAR: (value, centre, width) => between(value, centre - 0.5 - (width - 1) / 2, width - 1),
    LINEAR_EXACT: (value, centre, width) => between(value, centre - width / 2, width),
    SIGMOID: (value, centre, width) => 1 / (1 + Math.exp((-4 * (value - centre)) / width)),
  };

  // brightness, 0 to 255, of every value that a frame can have
  const brightness = (frame, { centre, width, table, inverted }) => {
    const shades = new Uint8ClampedArray(frame.samples === 3 ? 256 : 65536);
    const windowed = FUNCTIONS[frame.function] ?? FUNCTIONS.LINEAR;
    for (let i = 0; i < shades.length; i += 1) {
      const value = dicom.inUnits(frame, frame.signed && i > 32767 ? i - 65536 : i);
      const part = table && frame.table ? frame.table[i] / 255 : Math.max(0, Math.min(1, windowed(value, centre, width)));
      shades[i] = 255 * (inverted ? 1 - part : part); // a clamped array rounds
    }
    return shades;
  };

  // draw a frame into a canvas of its own size
  dicom.paint = (canvas, frame, tone) => {
    if (canvas.width !== frame.columns || canvas.height !== frame.rows) [canvas.width, canvas.height] = [frame.columns, frame.rows];
    const context = canvas.getContext("2d");
    const picture = context.createImageData(frame.columns, frame.rows);
    const table = brightness(frame, tone);
    const pixels = new Uint32Array(picture.data.buffer); // alpha, blue, green, red
    const { values } = frame;
    if (frame.samples === 3) {
      for (let i = 0, j = 0; i < pixels.length; i += 1, j += 3) {
        pixels[i] = 0xff000000 | (table[values[j + 2]] << 16) | (table[values[j + 1]] << 8) | table[values[j]];
      }
    } else {
      const grey = Uint32Array.from(table, (one) => (0xff000000 | (one * 0x010101)) >>> 0);
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = grey[values[i] & 0xffff];
    }
    context.putImageData(picture, 0, 0);
  };

  // windows to choose from: the object's own first, then those of its modality
  const USUAL = { CT: [["Lung", -600, 1500], ["Mediastinum", 40, 400], ["Bone", 400, 1800]] };
  dicom.presets = (instance, modality) => [
    ...instance.windows.map(([centre, width], i) => ({ name: `Window ${i + 1} of the object`, centre, width })),
    ...(USUAL[modality] ?? []).map(([name, centre, width]) => ({ name, centre, width })),
  ];
})((window.dicomViewer ??= {}));
