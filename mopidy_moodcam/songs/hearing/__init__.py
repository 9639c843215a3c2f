"""Hearing: from any sound file to a row of features, in worker processes."""
