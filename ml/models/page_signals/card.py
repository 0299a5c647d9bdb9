"""What ``page-signals`` is, and what its card warns of."""

from __future__ import annotations

from ml.models.page_pictures import limits
from ml.models.page_pictures.head import PageRecipe
from ml.models.page_signals import network

RECIPE = PageRecipe(
    name="page-signals",
    release="1.1.0",
    task="Which of four classes a 12-lead ECG page belongs to: the leads followed on the page, read by the networks of ecg-signals.",
    sees="2.5 s of each lead as followed on the page's ink; not the picture, and not the rhythm strip.",
    whole=network.whole,
    limits=(
        *limits.SHARED,
        "It does not see the rhythm strip: a rhythm that is irregular over seconds can be missed.",
    ),
    data={
        "ecg_pages": limits.DATA["ecg_pages"],
        "ptbxl": "PTB-XL 1.0.3, CC BY 4.0: the networks of ecg-signals learnt from folds 5 to 8",
    },
)
