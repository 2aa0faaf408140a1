"""Applications, their cases and the people who decide them."""
