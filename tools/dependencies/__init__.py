"""What the product needs of others, held against a list that somebody has read."""
