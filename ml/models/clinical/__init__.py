"""What the five clinical models share: members, stacking, export, evaluation. Their artefacts lie in the folders clinical_*."""
