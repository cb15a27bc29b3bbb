"""Long work in the background: how far it is, how to ask it to stop. It does no work itself."""
