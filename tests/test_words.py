import pytest

from mopidy_moodcam import words
from mopidy_moodcam.status import CameraState, CameraStatus, Status


@pytest.mark.parametrize(
    "why", ["nothing is playing", "the goal is to hold what plays", "no camera is set"]
)
def test_a_camera_that_rests_says_why_and_nothing_else(why):
    camera = CameraStatus(on=True, state=CameraState.RESTING, why=why)
    line = words.status_lines(Status(camera=camera))["camera"]
    assert line == f"Camera rests ({why})"


def test_quiet_hours_have_a_line_of_their_own():
    assert "quiet" not in words.status_lines(Status())
    assert words.status_lines(Status(quiet=True))["quiet"].startswith("Quiet hours")


@pytest.mark.parametrize(
    ("room", "where"), [("kitchen", "in the room kitchen"), ("", "elsewhere")]
)
def test_beside_a_camera_in_trouble_one_that_looks_is_named(room, where):
    camera = CameraStatus(on=True, state=CameraState.TROUBLE, looking=(room,))
    line = words.status_lines(Status(camera=camera))["camera"]
    assert line == f"Camera in trouble; another looks {where}"


def test_trouble_is_said_once():
    why = "The camera gave no frame; it may be unplugged."
    camera = CameraStatus(on=True, state=CameraState.TROUBLE, why=why)
    status = Status(camera=camera, notices=(why, "kitchen: last heard at 21:04"))
    said = "\n".join(words.status_lines(status).values())
    assert said.count(why) == said.count("kitchen") == 1
