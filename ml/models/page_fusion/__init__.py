"""Four classes of ECG page: the penultimate features of three networks joined (CardioNetFusion)."""
