"""Loads GStreamer before anything else does.

Where numpy is loaded first, as a test module would, and GStreamer after it, the next
C++ exception of torch, ONNX Runtime or Arrow ends the process. Mopidy and its
commands load GStreamer first; the eye never loads it.
"""

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
