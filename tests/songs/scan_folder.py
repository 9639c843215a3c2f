"""Scan a folder into a catalogue, in a process that a test may kill.

python scan_folder.py FOLDER CATALOGUE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console

from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.scan import scan
from mopidy_moodcam.songs.survey import WalkedTrack

if __name__ == "__main__":
    folder, catalogue = map(Path, sys.argv[1:])
    tracks = [
        WalkedTrack(path.as_uri(), path, title=path.stem)
        for path in sorted(folder.resolve().iterdir())
    ]
    with Catalogue.open(catalogue) as opened:
        sys.exit(scan(opened, tracks, console=Console()))
