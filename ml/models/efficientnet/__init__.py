"""The transfer-learned part that ``beat-efficientnet`` and ``beat-efficientnet-lstm`` share."""
