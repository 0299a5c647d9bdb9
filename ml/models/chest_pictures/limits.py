"""What the cards of both chest models warn of."""

SHARED = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "Adults, PA, upright, in full inspiration. Other views, children, other body parts and modalities are refused by their tags.",
    "A wrong or missing tag is caught only where the picture contradicts it.",
    "An AP film that does not say so is measured, and its ratio is too high; poor inspiration, a narrow chest or a pectus also make it so.",
    "427 films of two places; other detectors and diseases of the lung that hide the heart's border were hardly or never seen.",
)
