"""Songs: catalogue, features, clusters. The heavy work is the command line's."""
