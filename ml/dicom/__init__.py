"""Reading DICOM objects: opened within limits, frames decoded, shown as DICOM says. Imports neither Django nor TensorFlow."""
