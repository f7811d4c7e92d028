"""What a person runs: the command line, figures, tables. Imports sim."""
