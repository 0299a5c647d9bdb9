"""What the models of chest X-rays share: films, variations, folds, results."""
