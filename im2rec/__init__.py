"""Turn folders of images into RecordIO datasets.

The way of the data, and where each step lives:

    walk, listfile -> plan -> source -> transform -> pool -> build -> recordio's writer

    listfile  the .lst grammar                        walk      folder tree -> entries, class map
    split     entries -> train, val, test, chunks     plan      items -> shards
    source    reads images below one root, safely     transform one image's bytes -> encoded bytes
    pool      ordered, bounded, supervised workers    build     a plan through all that into .rec and .idx
    report    counts that add up                      progress  the bar on a terminal
    legacy    MXNet's command line                    cli       this project's own command line
"""

__version__ = "0.1.0"
