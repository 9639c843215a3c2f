"""Build outside the checkout: setup.cfg says what, this says where.

Run by root, pip would leave files there that the owner cannot change, and modules
that were removed since would come out of them into every later version.
"""

import tempfile

from setuptools import setup

with tempfile.TemporaryDirectory(prefix="moodcam-build-") as folder:
    setup(
        options={"build": {"build_base": folder}, "egg_info": {"egg_base": folder}},
    )
