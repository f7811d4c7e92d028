"""What verbs share: the terminal, progress, numbers read and shown, files written whole."""
