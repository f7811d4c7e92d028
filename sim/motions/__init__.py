"""The motion of a drift: where the displacements of its steps come from.

motion    `Motion`: what every engine asks of it
straight  a direction, a radius and a schedule
table     the rows of a file or an array
optimizer, adamw, sgd             displacements that an optimizer makes of a gradient
gradient, learning_rate           what drives it, step by step
arithmetic                        float32 operations that are rounded as PyTorch's
facts     lines on what is not obvious
save      displacements as a .npy file
make      `motion_of`: the motion of a drift
"""
