"""What the card of ``beat-cnn`` warns of."""

from __future__ import annotations

from ml.training.card import text

__all__ = ["LIMITS", "text"]

LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "It reads lead II from 0.9 s before to 0.5 s after the R peak; other leads and other time windows were not measured.",
    "In MIT-BIH, bundle branch block comes from few people (left 4, right 6), and the model recognises it poorly there.",
    "Ventricular tachycardia is no class of this model: it is mostly called VF, and in more than a quarter of windows normal.",
    "Training labels from PTB-XL are derived from statements about whole recordings, not from labels of single beats.",
    "A single beat hardly shows how early it came: a premature atrial beat is easily missed or confused with normal.",
    "VF means ventricular fibrillation or flutter. Fibrillation itself comes from three records.",
    "The height of the trace is scaled away: low voltage cannot be recognised.",
    "A drawn line that is no ECG (a chart, a sine wave) is seldom refused and is then mostly called VF: send ECGs only.",
    "The heatmap says where the model looked, never why.",
)
