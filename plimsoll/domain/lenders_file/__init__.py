"""A product drafted from a file of the lender's own: what its columns are, how loans ended, what to begin with."""
