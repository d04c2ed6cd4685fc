"""What things are: values with units."""
