"""Seeing: camera → face → expression. Runs in the eye's own process.

Importing this package loads nothing heavy; its modules import OpenCV and the
network's runtime and must never be imported in Mopidy's process.
"""
