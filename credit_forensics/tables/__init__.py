"""What a table and a column are: all tables of the toolkit."""
