"""Moving the distinct values of each dimension in place of tokens, step by step or by powers."""
