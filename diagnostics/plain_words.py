"""What each label means, in words for the patient. Reviewed wording; the doctor's signature makes it a report."""

from __future__ import annotations

PLAIN_WORDS: dict[str, tuple[str, str]] = {
    "Normal": ("a normal heartbeat", "The heartbeat in this recording looks normal."),
    "PAC": (
        "an early beat from the upper chambers",
        (
            "One heartbeat came a little early and started in the upper chambers of the heart. This is common, also in healthy people,"
            " and mostly harmless. Coffee, too little sleep or stress can bring it on."
        ),
    ),
    "PVC": (
        "an early beat from the lower chambers",
        (
            "One heartbeat came early and started in the lower chambers of the heart. Many people have such beats. Your doctor looks at how"
            " often they come and how well your heart pumps, and tells you whether anything needs to be done."
        ),
    ),
    "RBBB": (
        "a delay on the right side of the heart's wiring",
        (
            "The electrical signal reaches the right side of the heart a little late (right bundle branch block). Some healthy people have"
            " this. Your doctor may want to look at your heart and lungs."
        ),
    ),
    "LBBB": (
        "a delay on the left side of the heart's wiring",
        (
            "The electrical signal reaches the left side of the heart a little late (left bundle branch block). Your doctor will usually"
            " want to examine the heart further, for example with ultrasound."
        ),
    ),
    "VF": (
        "a dangerous heart rhythm",
        (
            "The recording shows a rhythm in which the heart cannot pump (ventricular fibrillation). This is an emergency. If you feel"
            " faint or have chest pain now, call the emergency number at once."
        ),
    ),
    "NORM": ("a normal ECG", "The ECG looks normal."),
    "Normal ECG": ("a normal ECG", "The ECG looks normal."),
    "Abnormal heartbeat": (
        "heartbeats that differ from the usual",
        (
            "Some heartbeats on the ECG look different from usual, or come at another pace. This has many causes, and many of them are"
            " harmless. Your doctor looks at what kind of heartbeats they are and tells you whether anything needs to be done."
        ),
    ),
    "Myocardial infarction": (
        "signs of a heart attack",
        (
            "The ECG has signs of a heart attack. It alone cannot prove one: your doctor compares it with your symptoms and blood tests."
            " If you have chest pain, trouble breathing or feel faint now, call the emergency number at once."
        ),
    ),
    "History of MI": (
        "signs of an earlier heart attack",
        (
            "The ECG has signs that a heart attack in the past can leave behind. Your doctor compares it with your history, and talks with"
            " you about medicines and habits that protect the heart."
        ),
    ),
    "MI": (
        "signs of a heart attack",
        (
            "The ECG has signs that can be left by a heart attack, now or in the past. The ECG alone cannot tell when. Your doctor compares"
            " it with your symptoms and blood tests, and tells you what to do next."
        ),
    ),
    "STTC": (
        "changes in how the heart recovers after each beat",
        (
            "The part of the ECG in which the heart muscle recovers looks different from usual (ST segment or T wave). This has many"
            " causes, from medicines and salts in the blood to too little blood reaching the heart. Your doctor looks for the cause."
        ),
    ),
    "CD": (
        "a delay in the heart's wiring",
        (
            "The electrical signal takes longer than usual on its way through the heart. Some healthy people have this. Your doctor may"
            " want to examine your heart further."
        ),
    ),
    "HYP": (
        "signs of a thickened heart muscle",
        (
            "The ECG suggests that a part of the heart muscle is thicker or larger than usual. High blood pressure is a common cause. Your"
            " doctor may want to measure your blood pressure and look at your heart with ultrasound."
        ),
    ),
}

# The same for a recording, which holds many beats.
RECORDING_WORDS: dict[str, tuple[str, str]] = PLAIN_WORDS | {
    "Normal": ("a normal rhythm", "The heartbeats in this recording look normal."),
    "PAC": (
        "early beats from the upper chambers",
        (
            "Some heartbeats came a little early and started in the upper chambers of the heart. This is common, also in healthy people,"
            " and mostly harmless. Coffee, too little sleep or stress can bring it on."
        ),
    ),
    "PVC": (
        "early beats from the lower chambers",
        (
            "Some heartbeats came early and started in the lower chambers of the heart. Many people have such beats. Your doctor looks at"
            " how often they come and how well your heart pumps, and tells you whether anything needs to be done."
        ),
    ),
}

# Levels of a clinical record: worded for every cause, as the doctor explains which risk it is.
CLINICAL_WORDS: dict[str, tuple[str, str]] = {
    "Low risk": (
        "Your heart check shows a low risk",
        (
            "Your doctor has put your values together, such as blood pressure, blood tests and how well your heart pumps. They point to a"
            " low risk of heart trouble. Keep up what is good for your heart, and take your medicines as agreed."
        ),
    ),
    "Moderate risk": (
        "Your heart check shows a moderate risk",
        (
            "Your doctor has put your values together, such as blood pressure, blood tests and how well your heart pumps. They point to a"
            " moderate risk of heart trouble. Much can be done about it: your doctor will talk with you about treatment, habits and"
            " when to check again."
        ),
    ),
    "High risk": (
        "Your heart check shows a high risk",
        (
            "Your doctor has put your values together, such as blood pressure, blood tests and how well your heart pumps. They point to a"
            " high risk of heart trouble. This is an estimate from many people and not a forecast for you. Your doctor will soon talk"
            " with you about what helps, and will want to see you more often."
        ),
    ),
}
# What a chest X-ray shows of the heart.
CHEST_WORDS: dict[str, tuple[str, str]] = {
    "Normal heart size": (
        "a heart of normal size",
        "On the X-ray the shadow of your heart is as wide as it should be.",
    ),
    "Borderline heart size": (
        "a heart at the limit of normal size",
        (
            "On the X-ray the shadow of your heart is about as wide as it may be. How the picture was taken, or how deeply you breathed"
            " in, can explain that. Your doctor compares it with earlier pictures and with how you feel."
        ),
    ),
    "Cardiomegaly": (
        "an enlarged heart",
        (
            "On the X-ray the shadow of your heart looks wider than usual. The heart may be enlarged, or there may be fluid around it; the"
            " way the picture was taken can also be the reason. Your doctor will usually want to look at your heart with ultrasound. If"
            " you get out of breath at rest or when lying flat, tell your doctor soon."
        ),
    ),
}

CLINICAL_CLOSING = (
    "A doctor has looked at this result and signed it. It rests on the values that were known on that day. If you have questions, or feel"
    " worse, talk to your doctor; with chest pain, fainting or trouble breathing call the emergency number."
)


def closing_of(what: str) -> str:
    """What stands below every report about one recording or picture."""
    return (
        f"A doctor has looked at this result and signed it. It describes this one {what} only. If you have questions, or feel worse,"
        " talk to your doctor; with chest pain, fainting or trouble breathing call the emergency number."
    )


def report_title(label: str, *, recording: bool) -> str:
    """One line: what was found."""
    if label in CLINICAL_WORDS:
        return CLINICAL_WORDS[label][0]
    if label in CHEST_WORDS:
        return f"Your chest X-ray shows {CHEST_WORDS[label][0]}"
    return f"Your ECG shows {words_of(recording=recording)[label][0]}"


def words_of(*, recording: bool) -> dict[str, tuple[str, str]]:
    """Title and paragraph of what an ECG shows, by label."""
    return RECORDING_WORDS if recording else PLAIN_WORDS


def report_body(label: str, *, amended: bool, recording: bool) -> str:
    """The report's paragraphs, separated by blank lines."""
    if label in CLINICAL_WORDS:
        looked_at, said, closing = "values", CLINICAL_WORDS[label][1], CLINICAL_CLOSING
    elif label in CHEST_WORDS:
        looked_at, said, closing = "picture", CHEST_WORDS[label][1], closing_of("X-ray")
    else:
        looked_at, said, closing = (
            "recording",
            words_of(recording=recording)[label][1],
            closing_of("recording"),
        )
    again = f"This report replaces an earlier one; your doctor has looked at the {looked_at} again."
    return "\n\n".join([*([again] if amended else []), said, closing])
