"""What is said: the only words that cross a mailbox."""
