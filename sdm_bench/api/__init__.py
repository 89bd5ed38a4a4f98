"""The Python functions that `sdm_bench` exports: arguments into one call of a room above, numbers and arrays out."""
