"""Figures: per class, with intervals by record, calibration, and agreement with cardiologists' annotations."""
