"""Token vectors in safetensors checkpoints: headers and ranges of rows, never whole files.

checkpoint      the embedding, the unembedding, and whether they are tied
token_matrices  which tensors have a row for each token; names: what their names tell of that
weights         the tensors, whichever file of a checkpoint holds them
layouts         the files that a path stands for; hub, download: models of a hub, by their ids
safetensors     the header of one file; first_bytes: what a file is that is no safetensors file
mapped          codes in a file, whose pages are given back while they are read
scales          what codes are worth; quantised: forms that hold no rows of floats
selection       the tokens around one token
"""
