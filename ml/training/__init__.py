"""What every trained model needs: splits by record, augmentation, calibration, export."""
