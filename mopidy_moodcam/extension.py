"""The extension as Mopidy sees it.

Only what Mopidy needs to list it is imported here; everything else is imported
where it is first used.
"""

from __future__ import annotations

import functools
import pathlib
from typing import Any

from mopidy import config, ext

from mopidy_moodcam import __version__


class Extension(ext.Extension):
    """The extension as Mopidy sees it: settings, actors, page and commands."""

    dist_name = "Mopidy-MoodCam"
    ext_name = "moodcam"
    version = __version__

    def get_default_config(self) -> str:
        """Return the defaults of every setting."""
        return config.read(pathlib.Path(__file__).parent / "ext.conf")

    def get_config_schema(self) -> Any:  # noqa: ANN401  (its class moved in 4.0)
        """Return the schema; `settings.py` has one line per setting."""
        from mopidy_moodcam import settings  # noqa: PLC0415

        schema = settings.Schema(self.ext_name)
        schema.update(super().get_config_schema())
        schema.update(settings.schema())
        return schema

    def get_command(self) -> Any:  # noqa: ANN401  (argparse in 3.4, cyclopts in 4.0)
        """Return `mopidy moodcam …`."""
        from mopidy_moodcam import commands  # noqa: PLC0415

        return commands.command()

    def setup(self, registry: Any) -> None:  # noqa: ANN401  (not exported in 3.4)
        """Register frontend, backend and page, all at one desk."""
        from mopidy_moodcam import backend, frontend, web  # noqa: PLC0415
        from mopidy_moodcam.desk import Desk  # noqa: PLC0415

        desk = Desk()
        registry.add("frontend", frontend.MoodCamFrontend.at(desk))
        registry.add("backend", backend.MoodCamBackend.at(desk))
        registry.add(
            "http:app",
            {"name": self.ext_name, "factory": functools.partial(web.factory, desk)},
        )
