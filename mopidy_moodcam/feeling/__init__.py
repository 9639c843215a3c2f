"""Feeling: readings → mood → target. Pure Python, no input or output."""
