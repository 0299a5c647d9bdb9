"""Established risk scores, one file each; every answer is a `ScoreResult` or says why the score does not apply."""
