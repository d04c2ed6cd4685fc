"""Where the orders of a grid go, and what has to change on the book for that: pure."""
