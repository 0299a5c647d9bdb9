"""ECG recordings: readers of clinical file formats, signal quality, beats, and measurements. Imports no Django and no TensorFlow."""
