"""One function per thing a person can do; the only door for views."""
