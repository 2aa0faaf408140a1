"""Public data sets as applications, evidence and outcomes in the words of a product."""
