"""Moving coordinates by small float32 additions, each rounded to the format.

step     one step, as every engine's inner loop takes it
block    many steps of a chunk of rows, and the observation after the last
batch    several clouds in one call
carried  many steps of the part of a cloud that can still differ, and the summary of a record
fused    the same in one kernel of a GPU or TPU, where there is one: fused_gpu, fused_tpu
"""
