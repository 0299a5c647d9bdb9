import io

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from ml.datasets.dicom_waveform import EcgWaveform, NoWaveformError, find_beats, read
from ml.datasets.simulated import simulate


@pytest.fixture(scope="module")
def waveform():
    return read(get_testdata_file("waveform_ecg.dcm", download=False))


def test_reads_twelve_leads(waveform):
    assert waveform.signals.shape == (10000, 12)
    assert waveform.fs == 1000.0
    assert len(waveform.leads) == 12
    assert 0.5 < np.ptp(waveform.lead("II")) < 5.0


def test_limb_leads_obey_einthoven(waveform):
    difference = waveform.lead("I") + waveform.lead("III") - waveform.lead("II")
    assert np.abs(difference).max() < 0.02


def test_finds_the_beats_of_lead_two(waveform):
    peaks = find_beats(waveform)
    assert len(peaks) == 10
    gaps = np.diff(peaks)
    assert (np.abs(gaps - np.median(gaps)) < 60).all()


def test_missing_lead_is_named(waveform):
    with pytest.raises(NoWaveformError, match="there is no lead V9"):
        waveform.lead("V9")


@pytest.mark.parametrize("data", [b"", b"no DICOM at all" * 40])
def test_other_bytes_are_refused(data):
    with pytest.raises(NoWaveformError):
        read(io.BytesIO(data))


def test_dicom_without_waveform_is_refused():
    with pytest.raises(NoWaveformError):
        read(get_testdata_file("CT_small.dcm", download=False))


def test_beats_are_found_where_they_were_made():
    ecg = simulate("Normal", seed=1)
    long = EcgWaveform(signals=np.tile(ecg.signal, 3)[:, None], fs=ecg.fs, leads=("Lead II",))
    assert min(abs(find_beats(long) - ecg.r_index)) <= 5
