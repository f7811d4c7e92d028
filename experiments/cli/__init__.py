"""The command line: one module for each verb, the options they share, and how they end."""
