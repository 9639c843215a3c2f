"""Made-up statuses, and a frontend that does as it is told: for pages and tests."""

import dataclasses
import math

from mopidy_moodcam import desk as at_desk
from mopidy_moodcam.glossary import (
    EXPRESSIONS,
    Affect,
    Face,
    Goal,
    Mood,
    Pick,
    Reading,
    SongMood,
    Target,
)
from mopidy_moodcam.status import (
    CameraState,
    CameraStatus,
    Counters,
    Learnt,
    SongsStatus,
    Status,
)

AFFECTS = {
    "angry": (-0.5, 0.7),
    "disgust": (-0.6, 0.3),
    "fear": (-0.6, 0.6),
    "happy": (0.75, 0.45),
    "sad": (-0.65, -0.4),
    "surprise": (0.3, 0.75),
    "neutral": (0.0, -0.1),
    "unknown": (0.0, 0.0),
}


def mood(label, since, confidence=0.82, why="three readings agree"):
    chances = [0.03] * len(EXPRESSIONS)
    if label in EXPRESSIONS:
        chances[EXPRESSIONS.index(label)] = confidence
    total = sum(chances)
    return Mood(
        label=label,
        affect=Affect(*AFFECTS[label]),
        confidence=confidence if label != "unknown" else 0.2,
        since=since,
        probabilities=tuple(chance / total for chance in chances),
        why=why,
    )


def pick(number, song_mood, when):
    title, artist = [
        ("Sunny Side of the Street", "Ella & the Lamps"),
        ("Ich wollt' ich wär ein Huhn", "Die Comedian Harmonists"),
        ("A Very Long Title That Goes On and On [Remastered 2011] (Live)", "The Band"),
        ("Übermut", "Ärzte & Söhne"),
        ("<b>Bold</b> & Brave", "Little Bobby <script>"),
    ][number % 5]
    return Pick(
        uri=f"local:track:{number}.flac",
        title=title,
        artist=artist,
        song_mood=song_mood,
        reason=f"{song_mood}: close to the mood, not heard for {number + 2} days"
        + ("; close in tempo to the song before; loved" if number == 1 else ""),
        time=when,
        track_id=number + 1,
    )


def happy(now):
    """An evening that goes well."""
    labels = ["neutral", "happy", "surprise", "happy", "unknown", "sad", "happy"]
    spans = [110, 95, 70, 55, 42, 30, 12]
    face = Face((0.34, 0.22, 0.16, 0.3), 130.0, 0.8, mood("happy", 0).probabilities)
    other = Face((0.66, 0.35, 0.1, 0.18), 80.0, 0.6, mood("neutral", 0).probabilities)
    return Status(
        version="0.1.0",
        time=now,
        started=now - 7200,
        playback="playing",
        camera=CameraStatus(
            on=True,
            source="/dev/v4l/by-path/pci-0000:00:14.0-usb-0:3:1.0-video-index0",
            state=CameraState.WATCHING,
            why="the next look is in 14 s",
            milliseconds=212.0,
            elsewhere=True,
            looking=("",),
        ),
        reading=Reading(
            time=now - 4,
            faces=(face, other),
            light=0.46,
            frames=5,
            room="living room",
        ),
        mood=mood("happy", now - 12 * 60),
        goal=Goal.MATCH,
        target=Target(
            SongMood.HAPPY, Affect(0.75, 0.45), "happy faces, and the goal is match"
        ),
        songs=SongsStatus(
            tracks=1204,
            analysed=1180,
            waiting=24,
            by_song_mood=(
                ("happy", 214),
                ("energetic", 187),
                ("romantic", 30),
                ("calm", 301),
                ("sad", 166),
                ("intense", 282),
            ),
            borrowed=("romantic",),
        ),
        next_picks=tuple(pick(i, SongMood.HAPPY, now) for i in range(2)),
        playing_pick=pick(2, SongMood.HAPPY, now - 400),
        last_picks=tuple(pick(i, SongMood.HAPPY, now - 200 * i) for i in (3, 4)),
        history=tuple(
            mood(label, now - 60 * minutes)
            for label, minutes in zip(labels, spans, strict=True)
        ),
        learnt=Learnt(
            corrections=("'sad' counts less: you said 3 times it was only neutral",),
            baseline=(0.1, -0.2, 0.0, 0.3, -0.4, 0.1, 0.1),
        ),
        counters=Counters(frames_seen=4310, readings=862, mood_changes=6, picks=41),
        notices=(),
    )


def unknown(now):
    """Nobody is in front of the camera, and there are no songs yet."""
    return Status(
        version="0.1.0",
        time=now,
        started=now - 60,
        camera=CameraStatus(
            on=True,
            source="auto",
            state=CameraState.TROUBLE,
            why="another program uses the camera; next try in 40 s",
        ),
        reading=Reading(time=now - 9, reason="busy", frames=0),
        mood=mood("unknown", now - 50, why="the camera is busy"),
        songs=SongsStatus(why="No songs yet: run 'mopidy moodcam scan'."),
        notices=("No songs yet: run 'mopidy moodcam scan'.",),
    )


def consent(now):
    """A real camera that nobody has agreed to yet."""
    return dataclasses.replace(
        unknown(now),
        camera=CameraStatus(source="auto", state=CameraState.NEEDS_CONSENT),
        reading=None,
        mood=mood("unknown", 0.0, why="nothing was seen yet"),
        notices=(),
    )


def guests(now):
    """More faces than live here."""
    return dataclasses.replace(
        happy(now),
        camera=CameraStatus(
            on=True,
            source="auto",
            state=CameraState.GUESTS,
            why="6 faces, household is 4",
        ),
        override=True,
        target=Target(
            SongMood.CALM,
            Affect(0.4, -0.5),
            "chosen by hand",
            "person",
            until=now + 3000,
        ),
        paused_until=now + 1800,
        dry_run=True,
    )


SCENES = {"happy": happy, "unknown": unknown, "consent": consent, "guests": guests}


class Puppet:
    """Takes commands like the frontend, and publishes what they change."""

    def __init__(self, desk, status, clock):
        self.desk = desk
        self.clock = clock
        self.commands = []
        desk.publish(status)
        desk.receive_with(self.take)

    def take(self, command):
        self.commands.append(command)
        status = self.desk.status
        changes = self.changes(command, status)
        now = max(self.clock(), math.nextafter(status.time, math.inf))
        self.desk.publish(dataclasses.replace(status, time=now, **changes))

    def changes(self, command, status):  # noqa: C901, PLR0911  (a table)
        now = self.clock()
        match command:
            case at_desk.SwitchCamera(on=on, consent=agreed):
                asked = status.camera.state == CameraState.NEEDS_CONSENT
                if on and asked and not agreed:
                    return {}
                state = CameraState.WATCHING if on else CameraState.OFF
                looking = ("",) if on else ()
                return {
                    "camera": dataclasses.replace(
                        status.camera, on=on, state=state, why="", looking=looking
                    )
                }
            case at_desk.SetGoal(goal=goal):
                return {"goal": goal}
            case at_desk.Override(song_mood=None):
                return {"override": False, "target": happy(now).target}
            case at_desk.Override(song_mood=song_mood, seconds=seconds):
                until = now + seconds if seconds else None
                return {
                    "override": True,
                    "target": Target(
                        song_mood, Affect(0, 0), "chosen by hand", "person", until
                    ),
                }
            case at_desk.Pause(seconds=seconds):
                return {"paused_until": now + seconds if seconds else None}
            case at_desk.Correct(verdict=verdict):
                learnt = dataclasses.replace(
                    status.learnt, corrections=(f"you said {verdict!r}",)
                )
                return {"learnt": learnt}
            case at_desk.ForgetCorrections():
                return {"learnt": dataclasses.replace(status.learnt, corrections=())}
            case at_desk.Baseline(forget=forget):
                return {
                    "learnt": dataclasses.replace(
                        status.learnt,
                        baseline=None,
                        baseline_until=None if forget else now + 120,
                    )
                }
            case at_desk.AllowGuests():
                camera = dataclasses.replace(
                    status.camera, state=CameraState.WATCHING, why="", looking=("",)
                )
                return {"camera": camera}
        return {}
