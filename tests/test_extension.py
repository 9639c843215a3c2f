import os
import pathlib
import re
import subprocess
import sys

from mopidy_moodcam import Extension, resources
from mopidy_moodcam.desk import Desk

HEAVY = ("cv2", "torch", "onnxruntime", "sklearn", "spotipy", "scipy", "pandas")


class Registry(dict):
    def add(self, name, entry):
        self.setdefault(name, []).append(entry)


def test_frontend_backend_and_page_share_one_desk():
    registry = Registry()
    Extension().setup(registry)
    desk = registry["frontend"][0].desk
    assert isinstance(desk, Desk)
    assert registry["backend"][0].desk is desk
    (app,) = registry["http:app"]
    assert app["name"] == "moodcam"
    assert desk in app["factory"].args


def test_the_default_config_names_every_setting_of_the_schema():
    text = Extension().get_default_config()
    for name in Extension().get_config_schema():
        assert f"{name} =" in text


def test_the_packages_that_people_are_told_to_install_are_those_of_setup_cfg():
    setup = pathlib.Path(__file__).parents[1] / "setup.cfg"
    asked = set(
        re.findall(r"^    ([\w-]+)(?: >=.*)?$", setup.read_text(), re.MULTILINE)
    )
    assert set(resources.PACKAGES.values()) <= asked


def test_nothing_heavy_is_imported_in_mopidys_process():
    code = (
        "import sys; from mopidy_moodcam import Extension; e = Extension();"
        "e.get_config_schema();"
        "r = type('R', (dict,), {'add': lambda *a: None})(); e.setup(r);"
        "import mopidy_moodcam.commands, mopidy_moodcam.web.routes;"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == ""


def test_mopidy_shows_its_configuration_and_writes_a_first_one(tmp_path):
    mopidy = pathlib.Path(sys.executable).with_name("mopidy")
    environment = os.environ | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [mopidy, "config"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[moodcam]" in done.stdout
    assert "moodcam" in (tmp_path / "config" / "mopidy" / "mopidy.conf").read_text()
