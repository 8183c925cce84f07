"""Tables with formulas, and ways to read what they compute."""
