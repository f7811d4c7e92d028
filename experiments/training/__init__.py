"""A training run in miniature: a language model, its optimizer and its data, each a small file.

settings   what a training is, checked field by field
corpus     its tokens: Zipf's law, pairs that follow each other, and tokens that never occur
model      the model and its loss, in the format of its parameters
optimizer  AdamW to the bit, for each kind of arithmetic
steps      many steps as one program
store      the store: W as drift track reads it, losses, and states to go on from
run        trains into a store, or goes on with one
"""
