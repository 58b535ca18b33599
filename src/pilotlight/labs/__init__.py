"""The labs, one file each, and the catalogue that reads them as text."""
