"""DICOM studies: taken in through three doors, held where the patient is doubtful, completed, shown and given back."""
