"""The heart on a frontal chest X-ray: its size against the chest, and whether a film may be measured at all."""
