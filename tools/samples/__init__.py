"""Making the sample pack: composite portraits of people who do not exist."""
