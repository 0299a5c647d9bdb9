"""A program of its own, see `ml.dicom.apart`: a compressed frame from the standard input, its values to the standard output."""

from __future__ import annotations

import os
import resource
import sys

_MOST_MEMORY = 4 << 30  # of addresses, bytes: a frame of 100 million pixels and the libraries


def _main(said: list[str]) -> None:
    """`said` are columns, rows, samples, bits allocated, bits stored, signed, planar, photometric interpretation, transfer syntax."""
    import gdcm

    columns, rows, samples, allocated, stored, signed, planar = map(int, said[:7])
    photometric, syntax = said[7:]
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints is no part of the answer
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(sys.stdin.buffer.read())
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    pixels = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    pixels.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(pixels)
    image.SetPhotometricInterpretation(
        gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.GetPIType(photometric))
    )
    if samples > 1:
        image.SetPlanarConfiguration(planar)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    image.SetPixelFormat(gdcm.PixelFormat(samples, allocated, stored, stored - 1, signed))
    values = image.GetBuffer().encode("utf-8", "surrogateescape")  # its binding gives bytes as text
    with answer:
        answer.write(values)


if __name__ == "__main__":
    _main(sys.argv[1:])
