"""Four classes of ECG page: a network of our own, learnt from drawn pages and then from real ones."""
