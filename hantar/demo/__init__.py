"""A workspace worth looking at: simulated devices, leads in many zones, a campaign to start. All marked, removed in one click."""
