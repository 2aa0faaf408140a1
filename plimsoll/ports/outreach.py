"""What reaching a customer needs of the outside."""
