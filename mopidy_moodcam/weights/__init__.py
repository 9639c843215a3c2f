"""Third-party weights, fetched by hash: the face detectors and musicnn."""
