"""The server: words in, JSON and events out; for a browser on this machine."""
