"""Files: taken in, checked, pictures shrunk, handed out. It refuses what WhatsApp would not take, and knows no campaign."""
