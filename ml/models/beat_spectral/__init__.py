"""Six classes of heartbeat from the STFT and wavelet images of one beat."""
