"""Arrays as clouds: of NumPy, ml_dtypes, PyTorch on a CPU or JAX, or in a .npy file.

given  any array as codes of NumPy, and their format
rows   the text of such an array in a spec, which carries it along
"""
