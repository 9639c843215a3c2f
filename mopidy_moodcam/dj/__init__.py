"""The DJ: target → pick → queue, with manners. Knows nothing of Mopidy."""
