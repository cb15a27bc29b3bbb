"""Leads: the people each device knows, their niches and triggers, files in and out. It sends nothing."""
