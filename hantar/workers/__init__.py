"""Workers: how each device gets on with what it has to send, and stopping and starting them."""
