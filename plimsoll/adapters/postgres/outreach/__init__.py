"""What reaching a customer keeps in Postgres: contacts, episodes, the collectors' queue."""
