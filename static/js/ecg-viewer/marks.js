// What is known about the trace: letters of beats, heat, bars of episodes, and what could not be analysed.
((ecg) => {
  "use strict";
  const HEAT_UP_TO_S = 120; // above that a beat is a few pixels wide
  const LETTER = 10; // pixels a letter needs

  const inside = (frame, top, bottom, draw) => {
    const { context, place } = frame;
    context.save();
    context.beginPath();
    context.rect(place.left, top, place.width - place.left, bottom - top);
    context.clip();
    draw();
    context.restore();
  };

  // Over the trace, which is paler there: noise would cover hatching that lies under it.
  ecg.drawUnanalysable = (frame, spans) => {
    const { context, view, place, ink } = frame;
    inside(frame, place.top, place.bottom, () => {
      for (const span of spans) {
        if (span.end_s < view.start || span.start_s > view.end) continue;
        const x = Math.max(place.left, place.left + view.x(span.start_s));
        const width = Math.max(2, place.left + view.x(span.end_s) - x);
        context.globalAlpha = 0.5;
        context.fillStyle = ink.paper;
        context.fillRect(x, place.top, width, place.bottom - place.top);
        context.globalAlpha = 1;
        context.fillStyle = ink.hatching(context);
        context.fillRect(x, place.top, width, place.bottom - place.top);
      }
    });
  };

  ecg.nameUnanalysable = (frame, spans) => {
    const { view, place } = frame;
    let free = place.left;
    inside(frame, place.top, place.bottom, () => {
      for (const span of spans) {
        if (span.end_s < view.start || span.start_s > view.end) continue;
        const x = Math.max(place.left, place.left + view.x(span.start_s)) + 6;
        const words = `Not analysed: ${span.cause}`;
        if (x < free) continue; // too many for words; the readout still says it
        ecg.write(frame, words, x, place.bottom - 8, { size: 12, weight: 600, colour: frame.ink.text });
        free = x + frame.context.measureText(words).width + 12;
      }
    });
  };

  // rows so that bars that overlap in time lie under each other, three at most
  ecg.stackEpisodes = (episodes) => {
    const ends = [];
    return episodes.toSorted((a, b) => a.start_s - b.start_s).map((episode) => {
      let row = ends.findIndex((end) => end <= episode.start_s);
      if (row < 0) row = ends.length < 3 ? ends.length : 2;
      ends[row] = Math.max(ends[row] ?? 0, episode.end_s);
      return { ...episode, row };
    });
  };

  ecg.drawEpisodes = (frame, episodes, selected) => {
    const { context, view, place, ink } = frame;
    const free = [0, 0, 0];
    inside(frame, place.episodes, place.beats, () => {
      for (const episode of episodes) {
        if (episode.end_s < view.start || episode.start_s > view.end) continue;
        const top = place.episodes + episode.row * place.episodeHeight;
        const x = place.left + view.x(episode.start_s);
        const end = Math.max(x + 3, place.left + view.x(episode.end_s));
        context.fillStyle = ink.episode;
        context.fillRect(x, top + 1, end - x, place.episodeHeight - 4);
        if (episode === selected) {
          context.strokeStyle = ink.text;
          context.lineWidth = 2;
          context.strokeRect(x + 1, top + 2, end - x - 2, place.episodeHeight - 6);
        }
        context.font = `600 11px ${ink.font}`;
        const needs = context.measureText(episode.name).width + 10;
        const within = end - Math.max(x, place.left) >= needs;
        const at = within ? Math.max(x, place.left) + 5 : Math.max(end, place.left) + 5;
        if (Math.max(x, place.left) >= free[episode.row]) {
          ecg.write(frame, episode.name, at, top + 12, { size: 11, weight: 600, colour: within ? ink["on-chip"] : ink.text, rim: false });
          free[episode.row] = at + needs;
        }
      }
    });
  };

  ecg.drawHeat = (frame, beats) => {
    const { context, view, place, ink } = frame;
    if (!beats.heat || view.seconds > HEAT_UP_TO_S) return;
    const { before_s: before, after_s: after } = beats.heat;
    inside(frame, place.top, place.bottom, () => {
      context.fillStyle = ink.heat;
      for (let i = beats.from(view.start - after); i < beats.length && beats.times[i] - before <= view.end; i += 1) {
        const values = beats.heatOf(i);
        if (!values) continue;
        const left = place.left + view.x(beats.times[i] - before);
        const width = ((before + after) * view.pixelsPerSecond) / values.length;
        values.forEach((value, j) => {
          if (value < 8) return;
          context.globalAlpha = (value / 255) * 0.4;
          context.fillRect(left + j * width, place.top, width, place.bottom - place.top);
        });
      }
    });
  };

  const chip = (frame, beats, index, x, baseline) => {
    const { context, ink } = frame;
    const own = beats.overridden.has(index); // the doctor's letter has a star and a line
    const letter = `${beats.letter(index)}${own ? "*" : ""}`;
    const colour = ink.ofBeat(beats.letter(index));
    const loud = beats.isEctopic(index);
    context.font = `700 12px ${ink.font}`;
    const width = Math.max(14, context.measureText(letter).width + 6);
    if (loud) {
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(x - width / 2, baseline - 12, width, 16, 3);
      context.fill();
    }
    ecg.write(frame, letter, x, baseline, { size: 12, weight: loud ? 700 : 600, align: "center", rim: false, colour: loud ? ink["on-chip"] : colour });
    if (!own) return;
    context.fillStyle = colour;
    context.fillRect(x - width / 2, baseline + 6, width, 2);
  };

  // Where every letter has room each beat gets one; else only what is ectopic does, and what still collides is a tick.
  const drawLetters = (frame, beats, first, last) => {
    const { context, view, place, ink } = frame;
    const baseline = place.beats + 14;
    const roomy = last - first === 0 || (place.width - place.left) / (last - first) >= LETTER * 1.6;
    let free = -Infinity;
    let before = null;
    for (let i = first; i < last; i += 1) {
      if (!roomy && !beats.isEctopic(i)) continue;
      const x = place.left + view.x(beats.times[i]);
      if (x - free >= LETTER) {
        chip(frame, beats, i, x, baseline);
        free = x + LETTER;
      }
      context.fillStyle = ink.ofBeat(beats.letter(i));
      if (!before || x - before >= 1) context.fillRect(Math.round(x), place.top - 12, 1.5, 10);
      if (roomy && before !== null && x - before > 54 && beats.rr(i) !== null) {
        ecg.write(frame, String(beats.rr(i)), (x + before) / 2, baseline, { size: 10.5, align: "center", colour: ink.muted, rim: false });
      }
      before = x;
    }
  };

  ecg.drawBeats = (frame, beats, selected) => {
    const { context, view, place, ink } = frame;
    const first = beats.from(view.start);
    const last = beats.from(view.end);
    inside(frame, place.beats, place.top, () => drawLetters(frame, beats, first, last));
    if (selected === null || !view.has(beats.times[selected])) return;
    const x = place.left + view.x(beats.times[selected]);
    context.strokeStyle = ink.accent;
    context.lineWidth = 1.5;
    context.strokeRect(x - 10, place.beats + 0.75, 20, 23);
    context.setLineDash([2, 4]);
    context.beginPath();
    context.moveTo(x, place.top);
    context.lineTo(x, place.bottom);
    context.stroke();
    context.setLineDash([]);
  };
})((window.ecgViewer ??= {}));
