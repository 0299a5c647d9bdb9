"""DICOMweb (PS3.18): STOW-RS, QIDO-RS and WADO-RS over the same services, access rules and keys as the rest of the API."""
