"""Token vectors in safetensors checkpoints: headers and ranges of rows, never whole files.

checkpoint   the embedding matrices, by the names that model families give them
weights      the tensors, whichever file of a checkpoint holds them; safetensors: one file's header
first_bytes  what a file is that is no safetensors file
selection    the tokens around one token
"""
