"""What the cards of all page models warn of, and the data they are made from."""

from __future__ import annotations

SHARED = (
    "Research use; not for clinical decisions.",
    "The real pages are of one hospital and one make of printer; other hospitals were seen only as drawn pages.",
    "Learnt from and measured on pages with a grid. None on plain paper or of 6x2 with a strip is normal: false alarms are uncounted.",
    "Header and bare paper, which no model sees, tell the class better than chance in these data (see the controls): figures may flatter.",
    "Most infarctions are missed (see the recall): a page that is called normal excludes none. Few pages show one to learn from.",
    "Infarction is in every prediction set, because too few pages of it calibrate: that it is there says nothing.",
    "The labels say what the page shows to its hospital; that an infarction is acute cannot be said.",
)
IMAGENET = "The frozen part was learnt from photographs of ImageNet, not from ECGs."
DATA = {
    "ecg_pages": "ECG images of cardiac patients, Khan and Hussain, Mendeley Data gwbz3fsgp8 v1, CC BY 4.0",
    "ptbxl": "PTB-XL 1.0.3, CC BY 4.0, drawn as prepared pages: folds 5 to 8 learnt from, 9 validates, 10 tests",
}
IMAGENET_DATA = {"imagenet": "published weights, see NOTICE"}
