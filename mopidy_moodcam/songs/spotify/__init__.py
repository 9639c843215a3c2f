"""The listener's own Spotify songs, by the Web API, into the catalogue."""
