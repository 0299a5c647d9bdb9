"""clinical-logistic: its recipe and artefact; the code is shared with the other clinical models in ml.models.clinical."""
