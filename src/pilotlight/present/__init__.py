"""Reports as pictures, pages and text for a terminal."""
