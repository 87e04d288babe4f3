"""How long customers stay, by industry, size, plan and time as a customer; and what is associated with leaving."""
