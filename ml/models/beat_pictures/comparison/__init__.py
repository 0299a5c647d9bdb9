"""The models of the source reports on the same beats and folds: ``python -m ml evaluate comparison``."""
