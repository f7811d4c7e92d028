"""Results as tables for people, printed with rich, which verbs load only when they print."""
