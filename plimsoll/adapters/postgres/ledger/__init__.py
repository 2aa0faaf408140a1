"""The record nobody can change unnoticed: its chain, what it vouches for, and how it is read and proved."""
