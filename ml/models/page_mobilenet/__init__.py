"""Four classes of ECG page: MobileNet with weights of ImageNet."""
