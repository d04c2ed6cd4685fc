"""One page that shows what a recorded run did with a symbol."""
