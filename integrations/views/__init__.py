"""Pages of what comes in and what goes out."""
