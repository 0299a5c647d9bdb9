"""Four classes of ECG page: EfficientNet-Lite0 with weights of ImageNet."""
