"""Plan, cells, states and engines of a whole table of experiments; the rooms above compute."""
