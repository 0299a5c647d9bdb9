"""Four classes of ECG page: features of EfficientNet-Lite0, read column by column by an LSTM."""
