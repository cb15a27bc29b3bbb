"""Pictures: taken in, checked, shrunk, handed out. It refuses what is no fair picture, and knows no campaign."""
