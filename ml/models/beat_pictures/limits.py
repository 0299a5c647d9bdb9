"""What the cards of all models of the comparison warn of."""

from __future__ import annotations

SHARED = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "A second opinion beside beat-cnn, from fewer beats than it; beat-cnn's gate decides whether a picture can be read at all.",
    "It reads lead II from 0.9 s before to 0.5 s after the R peak; other leads and other time windows were not measured.",
    "In MIT-BIH, bundle branch block comes from few people (left 4, right 6), and the model recognises it poorly there.",
    "Ventricular tachycardia is no class of this model. VF means ventricular fibrillation or flutter, from eight records.",
    "Training labels from PTB-XL are derived from statements about whole recordings, not from labels of single beats.",
    "A single beat hardly shows how early it came: a premature atrial beat is easily missed or confused with normal.",
    "The height of the trace is scaled away: low voltage cannot be recognised.",
)
PLACES = "The heatmap says where the model looked, never why."
COLUMNS = "The heatmap says where in time the model looked, never why and not at which height: its bands are columns of the picture."
IMAGENET = (
    "The source report used EfficientNetB0. Its weights of ImageNet cannot be had here; this is EfficientNet-Lite0 (B0 without "
    "squeeze-excitation, with ReLU6), cut after its fifth stage, of which the last two blocks are tuned."
)
IMAGENET_DATA = {
    "imagenet": "EfficientNet-Lite0, weights of ImageNet, Apache-2.0: unchanged but for the last two blocks of stage 5, which are tuned"
}
