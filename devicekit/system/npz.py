"""Arrays of a .npz file that somebody else may have made: sizes are checked before memory is taken for them."""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

LARGEST_RATIO = 200  # unpacked over packed size
HARMLESS_SIZE = 64 << 20  # bytes unpacked that are never refused


def read_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file by name, none of them of objects.

    What says that it is far larger than the file is refused before it is unpacked. Damage ends in whatever NumPy and
    zipfile raise.

    Raises ValueError if it is not an .npz file, holds a name twice, or says that it is far larger.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise ValueError("it is not an .npz file")
    most, arrays = max(HARMLESS_SIZE, LARGEST_RATIO * len(data)), {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            most -= part.file_size
            if most < 0:
                raise ValueError(f"it unpacks to more than {LARGEST_RATIO} times its size, which is unsafe")
            stream = io.BytesIO(archive.read(part))
            _check_size(stream, part.file_size)
            name = part.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"it holds {name[:80]!r} twice")
            arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _check_size(stream: io.BytesIO, there: int) -> None:
    """Refuse an array that is longer than the file, for which NumPy would take the memory first."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if math.prod(shape) * dtype.itemsize > there:
        raise ValueError(f"an array of {' x '.join(map(str, shape))} is longer than the file")
    stream.seek(0)
