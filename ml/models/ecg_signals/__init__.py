"""Twelve leads of an ECG: diagnostic superclasses by residual networks along time."""
