"""Watches a case: checks every few minutes, one alert an incident, and what was already said."""
