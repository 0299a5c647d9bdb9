"""Heart and lungs of a frontal chest X-ray drawn by a compact U-Net, and the cardiothoracic ratio measured on them."""
