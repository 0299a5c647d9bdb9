// The paper: squares of 1 and 5 mm, the calibration pulse, the names of the leads and the time axis.
((ecg) => {
  "use strict";
  const NICE = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 21600];
  const AXIS = 20;
  const BEATS = 36;
  const EPISODE = 18;
  const GUTTER_MM = 11;

  // Where everything stands, in CSS pixels. A lead gets whole large squares, so that its zero lies on a line.
  ecg.layout = (width, leads, episodeRows, gain) => {
    const millimetres = (leads.length === 1 ? 40 : leads.length <= 4 ? 30 : 20) + (gain > 10 ? 20 : 0);
    const laneHeight = millimetres * ecg.MM;
    const margin = 5 * ecg.MM; // room for a tall R in the first lead, a deep S in the last
    const left = Math.round(GUTTER_MM * ecg.MM);
    const episodes = AXIS;
    const beats = episodes + episodeRows * EPISODE;
    const top = beats + BEATS;
    const lanes = leads.map((lead, i) => ({ lead, top: top + margin + i * laneHeight, zero: top + margin + (i + 0.5) * laneHeight }));
    const bottom = top + leads.length * laneHeight + 2 * margin;
    return { width, left, axis: 0, episodes, episodeHeight: EPISODE, beats, top, bottom, height: Math.ceil(bottom) + 1, lanes };
  };

  // seconds between two fine and two coarse lines; no fine ones where they would run together
  ecg.grid = (view) => {
    if (view.onPaper) return { fine: 1 / view.speed, coarse: 5 / view.speed };
    const pixels = view.pixelsPerSecond;
    if (0.2 * pixels >= 12) return { fine: 0.04 * pixels >= 3 ? 0.04 : null, coarse: 0.2 };
    const coarse = NICE.find((step) => step * pixels >= 14) ?? 86400;
    return { fine: null, coarse };
  };

  const drawGrid = (frame) => {
    const { context, view, place, ink, ratio } = frame;
    const { fine, coarse } = ecg.grid(view);
    const hair = Math.max(1, Math.round(ratio / 2)) / ratio; // about half a pixel: thinner, a printer loses it
    const crisp = (value) => Math.round(value * ratio) / ratio;
    const upright = (step, every) => {
      for (let i = Math.ceil(view.start / step); i * step <= view.end; i += 1) {
        if (every && i % every === 0) continue; // the coarse line comes there
        context.fillRect(crisp(place.left + view.x(i * step)), place.top, hair, place.bottom - place.top);
      }
    };
    const level = (millimetres, every) => {
      const lines = Math.round((place.bottom - place.top) / ecg.MM / millimetres);
      for (let i = 0; i <= lines; i += 1) {
        if (every && i % every === 0) continue;
        context.fillRect(place.left, crisp(place.top + i * millimetres * ecg.MM), place.width - place.left, hair);
      }
    };
    context.fillStyle = ink.fine;
    if (fine) {
      upright(fine, 5);
      level(1, 5);
    }
    context.fillStyle = ink.coarse;
    upright(coarse);
    level(5);
  };

  const drawAxis = (frame) => {
    const { context, view, place, ink, clock } = frame;
    const { times, digits } = clock.ticks(view.start, Math.min(view.end, view.duration), 84 / view.pixelsPerSecond);
    for (const time of times) {
      const x = place.left + view.x(time);
      context.fillStyle = ink.muted;
      context.fillRect(Math.round(x), 15, 1, 5);
      ecg.write(frame, clock.text(time, digits), Math.max(28, Math.min(x, place.width - 28)), 12, { colour: ink.muted, size: 11, align: "center", rim: false });
    }
  };

  // 1 mV high and 5 mm wide, at the left of each lead
  const drawCalibration = (frame) => {
    const { context, view, place, ink } = frame;
    const height = view.gain * ecg.MM;
    context.strokeStyle = ink.trace;
    context.lineWidth = 1.25;
    context.lineJoin = "miter";
    for (const { zero } of place.lanes) {
      const x = 2 * ecg.MM;
      context.beginPath();
      context.moveTo(x, zero);
      context.lineTo(x + ecg.MM, zero);
      context.lineTo(x + ecg.MM, zero - height);
      context.lineTo(x + 6 * ecg.MM, zero - height);
      context.lineTo(x + 6 * ecg.MM, zero);
      context.lineTo(x + 7 * ecg.MM, zero);
      context.stroke();
    }
    context.fillStyle = ink.line;
    context.fillRect(place.left - 1, place.top, 1, place.bottom - place.top);
  };

  ecg.drawPaper = (frame) => {
    const { context, place, ink } = frame;
    context.fillStyle = ink.paper;
    context.fillRect(0, 0, place.width, place.height);
    drawGrid(frame);
    drawAxis(frame);
    drawCalibration(frame);
  };

  ecg.nameLeads = (frame) => {
    for (const { lead, top } of frame.place.lanes) {
      const shift = frame.shift(lead);
      const words = shift ? `${lead} (zero moved by ${shift > 0 ? "−" : "+"}${Math.abs(shift).toFixed(1)} mV)` : lead;
      ecg.write(frame, words, frame.place.left + 6, top + 16, { size: 13, weight: 650 });
    }
  };
})((window.ecgViewer ??= {}));
