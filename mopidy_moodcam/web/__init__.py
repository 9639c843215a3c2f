"""The page and the HTTP JSON, served by Mopidy's own Tornado."""
