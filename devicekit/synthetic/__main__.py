"""Write the data sets that ship with devicekit: `python -m devicekit.synthetic FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from devicekit.synthetic import pulses, records

if __name__ == "__main__":
    root = Path(sys.argv[1])
    pulses.write_reference(root / "pt-hfo2-al2o3-ti")
    records.write_all(root)
