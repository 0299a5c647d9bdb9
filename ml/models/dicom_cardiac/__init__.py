"""The classifier of the source report on a frontal chest X-ray: a plain CNN from picture to cardiomegaly yes or no."""
