"""Ventricular fibrillation, flutter and tachycardia against everything else, in four seconds of one lead."""
