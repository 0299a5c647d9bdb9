"""Four classes of ECG page: the leads followed on it, read by the networks of ecg-signals."""
