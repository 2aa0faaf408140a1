"""What watching a portfolio needs of the outside."""
