"""Writers of every format from a simulated recording, so that each reader is tested by round trip."""

from __future__ import annotations

import base64
import binascii
import copy
import io
import struct
import zipfile
from typing import TYPE_CHECKING

import edfio
import numpy as np
import wfdb
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

if TYPE_CHECKING:
    from pathlib import Path

    from ml.datasets.simulated_recording import SimulatedRecording

AMBULATORY = "1.2.840.10008.5.1.4.1.1.9.1.3"
SCP_CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "III": 61}


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def wfdb_files(
    sim: SimulatedRecording, folder: Path, *, fmt: str = "16", comments: list[str] | None = None
) -> dict[str, bytes]:
    wfdb.wrsamp(
        "rec",
        fs=sim.fs,
        units=["mV"] * len(sim.leads),
        sig_name=list(sim.leads),
        p_signal=sim.signals.T.astype(np.float64),
        fmt=[fmt] * len(sim.leads),
        adc_gain=[1000.0 if fmt == "16" else 200.0] * len(sim.leads),
        baseline=[0] * len(sim.leads),
        comments=comments or [],
        write_dir=str(folder),
    )  # fmt: skip
    return {name: (folder / name).read_bytes() for name in ("rec.hea", "rec.dat")}


def edf(sim: SimulatedRecording, *, labels: list[str] | None = None, unit: str = "mV") -> bytes:
    signals = [
        edfio.EdfSignal(
            line.astype(np.float64),
            sampling_frequency=sim.fs,
            label=label,
            physical_dimension=unit,
            physical_range=(-10.0, 10.0),
        )
        for label, line in zip(labels or [f"ECG {lead}" for lead in sim.leads], sim.signals, strict=True)
    ]
    stream = io.BytesIO()
    edfio.Edf(signals).write(stream)
    return stream.getvalue()


def table(
    sim: SimulatedRecording, *, before: str = "# fs: {fs}\n# unit: mV\n", heading: str | None = None
) -> bytes:
    lines = [before.format(fs=sim.fs) + (heading or ",".join(sim.leads))]
    lines += [",".join(f"{value:.3f}" for value in moment) for moment in sim.signals.T]
    return ("\n".join(lines) + "\n").encode()


def dicom(sim: SimulatedRecording, *, unit: str | None = "uV", sop_class: str = AMBULATORY) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop_class, generate_uid(), "ECG"
    dataset.AcquisitionDateTime = "20260102030405.500000"
    channels = []
    for lead in sim.leads:
        source, channel = Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "2:2", "MDC", f"Lead {lead}"
        channel.ChannelSourceSequence = Sequence([source])
        if unit:
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = unit, "UCUM", unit
            channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = 2.5, 1
            channel.ChannelBaseline = 0
            channel.ChannelSensitivityUnitsSequence = Sequence([code])
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group = Dataset()
    group.WaveformOriginality, group.NumberOfWaveformChannels = "ORIGINAL", len(sim.leads)
    group.NumberOfWaveformSamples, group.SamplingFrequency = sim.signals.shape[1], sim.fs
    group.ChannelDefinitionSequence = Sequence(channels)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.rint(sim.signals.T * 400).astype("<i2").tobytes()
    median = copy.deepcopy(group)  # a short group of median beats, which is not the rhythm
    median.NumberOfWaveformSamples = 10
    median.WaveformData = group.WaveformData[: 20 * len(sim.leads)]
    dataset.WaveformSequence = Sequence([median, group])
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def aecg(sim: SimulatedRecording, *, unit: str = "uV") -> bytes:
    sequences = [
        (
            "<component><sequence><code code='TIME_ABSOLUTE'/><value xsi:type='GLIST_TS'><head value='20260102030405'/>"
            f"<increment value='{1 / sim.fs!r}' unit='s'/></value></sequence></component>"
        )
    ]
    for lead, line in zip(sim.leads, sim.signals, strict=True):
        digits = " ".join(str(v) for v in np.rint(line * 200).astype(int))
        sequences.append(
            f"<component><sequence><code code='MDC_ECG_LEAD_{lead}'/><value xsi:type='SLIST_PQ'><origin value='0' unit='{unit}'/>"
            f"<scale value='5' unit='{unit}'/><digits>{digits}</digits></value></sequence></component>"
        )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><AnnotatedECG xmlns='urn:hl7-org:v3' "
        "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><id root='1.2.3'/><code code='93000'/>"
        "<effectiveTime><low value='20260102030405'/></effectiveTime><component><series><code code='RHYTHM'/>"
        f"<component><sequenceSet>{''.join(sequences)}</sequenceSet></component></series></component></AnnotatedECG>"
    ).encode()


def muse(sim: SimulatedRecording, *, units: str = "MICROVOLTS", statement: str = "") -> bytes:
    leads = ""
    for lead, line in zip(sim.leads, sim.signals, strict=True):
        counts = np.rint(line * 1000 / 4.88).astype("<i2").tobytes()
        leads += (
            f"<LeadData><LeadByteCountTotal>{len(counts)}</LeadByteCountTotal><LeadSampleCountTotal>{len(counts) // 2}"
            f"</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>{units}"
            f"</LeadAmplitudeUnits><LeadID>{lead}</LeadID><LeadSampleSize>2</LeadSampleSize>"
            f"<WaveFormData>{base64.b64encode(counts).decode()}</WaveFormData></LeadData>"
        )
    diagnosis = (
        f"<Diagnosis><DiagnosisStatement><StmtText>{statement}</StmtText></DiagnosisStatement></Diagnosis>"
        if statement
        else ""
    )
    return (
        "<?xml version='1.0' encoding='ISO-8859-1'?><RestingECG><TestDemographics><AcquisitionTime>03:04:05</AcquisitionTime>"
        f"<AcquisitionDate>01-02-2026</AcquisitionDate></TestDemographics>{diagnosis}<Waveform><WaveformType>Rhythm</WaveformType>"
        f"<SampleBase>{sim.fs:.0f}</SampleBase><SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>"
    ).encode()


def _section(number: int, body: bytes) -> bytes:
    body += b"\0" * (len(body) % 2)
    rest = struct.pack("<HIBB6s", number, len(body) + 16, 20, 20, b"\0" * 6) + body
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def scp(sim: SimulatedRecording) -> bytes:
    """Sections 0, 1, 3 and 6, samples as plain 16-bit numbers of 5 microvolt."""
    count = sim.signals.shape[1]
    date = struct.pack("<BHHBB", 25, 4, 2026, 1, 2) + struct.pack("<BHBBB", 26, 3, 3, 4, 5)
    leads = b"".join(struct.pack("<IIB", 1, count, SCP_CODES[lead]) for lead in sim.leads)
    data = [np.rint(line * 200).astype("<i2").tobytes() for line in sim.signals]
    bodies = {
        1: date + struct.pack("<BH", 255, 0),
        3: struct.pack("<BB", len(sim.leads), 4 | len(sim.leads) << 3 & 0xF8) + leads,
        6: struct.pack("<HHBB", 5000, round(1e6 / sim.fs), 0, 0)
        + b"".join(struct.pack("<H", len(line)) for line in data)
        + b"".join(data),
    }
    sections = {number: _section(number, body) for number, body in bodies.items()}
    length0 = 16 + 12 * 10
    at, pointers = 7 + length0, {0: (length0, 7)}
    for number, section in sections.items():
        pointers[number] = (len(section), at)
        at += len(section)
    body0 = b"".join(struct.pack("<HII", n, *pointers.get(n, (0, 0))) for n in range(12))
    rest = _section(0, body0) + b"".join(sections.values())
    rest = struct.pack("<I", len(rest) + 6) + rest
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest
