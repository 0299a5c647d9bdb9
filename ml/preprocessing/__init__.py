"""One way from a signal or a picture to what a model sees, shared by training, evaluation and serving."""
