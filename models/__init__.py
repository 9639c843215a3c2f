"""The models of Mopidy-MoodCam, each described in README.md."""
