"""Checkpoints in safetensors files: their tensors, the embedding matrices, a selection of rows."""
