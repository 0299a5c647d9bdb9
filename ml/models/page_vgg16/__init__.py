"""Four classes of ECG page: VGG16 with weights of ImageNet."""
