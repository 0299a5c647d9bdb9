"""Leave-site-out on the four hospitals of UCI heart disease: what is lost when a model meets a hospital it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ml.datasets.heart_disease import FEATURES, SITES, HeartDisease
from ml.evaluation.metrics import interval
from ml.evaluation.risk import auc, resamples

PROTOCOL = (
    "Trained on three hospitals, measured on the fourth; imputation and scaling fitted on the three. Interval: 95 %, bootstrap over "
    "patients. Vessels and thallium are left out: hardly anybody outside Cleveland has them."
)
_ABSENT_ELSEWHERE = ("vessels", "thallium")
SEED = 5


def _models() -> dict[str, Pipeline]:
    return {
        "logistic": make_pipeline(
            SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
        ),
        "forest": make_pipeline(
            SimpleImputer(strategy="median"),
            RandomForestClassifier(300, min_samples_leaf=5, random_state=SEED, n_jobs=1),
        ),
    }


def _area(risk: NDArray[np.float64], diseased: NDArray[np.int64]) -> dict[str, float]:
    drawn = [float(auc(risk[None, chosen], diseased[chosen])[0]) for chosen in resamples(diseased)]
    return interval(float(auc(risk[None], diseased)[0]), np.array(drawn))


def leave_site_out(data: HeartDisease) -> dict[str, Any]:
    """AUC of each hospital by models of the other three, with the part of its patients that is diseased.

    Args:
        data: patients of all four hospitals.
    """
    used = [i for i, name in enumerate(FEATURES) if name not in _ABSENT_ELSEWHERE]
    values = data.values[:, used]
    sites: dict[str, Any] = {}
    for site in SITES:
        here = data.site == site
        diseased = data.diseased[here]
        sites[site] = {"patients": int(here.sum()), "diseased": round(float(diseased.mean()), 3)}
        for name, model in _models().items():
            model.fit(values[~here], data.diseased[~here])
            sites[site][f"auc_{name}"] = _area(model.predict_proba(values[here])[:, 1], diseased)
    return {"protocol": PROTOCOL, "sites": sites}
