"""Work on finished datasets, one verb a module."""
