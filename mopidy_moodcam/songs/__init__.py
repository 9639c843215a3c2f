"""Songs: catalogue, features, clusters. Heavy work runs in the command line's process."""
