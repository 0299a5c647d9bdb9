// Measurement arithmetic: points are [column, row] in pixels of the image, spacing is [height, width] of a pixel in mm or null.
((dicom) => {
  "use strict";
  const inUnits = (from, to, spacing) => {
    const [height, width] = spacing ?? [1, 1];
    return [(to[0] - from[0]) * width, (to[1] - from[1]) * height];
  };

  dicom.length = (from, to, spacing) => Math.hypot(...inUnits(from, to, spacing));

  // degrees, 0 to 180, between the arms from `vertex`; null where an arm has no length
  dicom.angle = (one, vertex, other, spacing) => {
    const [ax, ay] = inUnits(vertex, one, spacing);
    const [bx, by] = inUnits(vertex, other, spacing);
    if (!Math.hypot(ax, ay) || !Math.hypot(bx, by)) return null;
    return (Math.abs(Math.atan2(ax * by - ay * bx, ax * bx + ay * by)) * 180) / Math.PI;
  };

  // what a measurement says: lengths at the detector are larger than those in the patient, and say so
  dicom.reading = ({ kind, points }, { spacing_mm: spacing, spacing_kind: of }) => {
    if (kind === "angle") {
      const degrees = dicom.angle(...points, spacing);
      return degrees === null ? "no angle" : `${degrees.toFixed(1)}°`;
    }
    const value = dicom.length(...points, spacing);
    if (!spacing) return `${value.toFixed(1)} pixels`;
    return `${value.toFixed(1)} mm${of === "detector" ? " at the detector" : ""}`;
  };

  // the line and, for an angle, its second arm, which starts at a right angle to the first
  dicom.measurement = (kind, from, to) => {
    if (kind !== "angle") return { kind, points: [from, to] };
    return { kind, points: [from, to, [to[0] - (to[1] - from[1]), to[1] + (to[0] - from[0])]] };
  };
})((window.dicomViewer ??= {}));
