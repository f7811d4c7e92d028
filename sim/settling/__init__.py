"""The step engine of accelerators: it carries only what can still differ, and answers in brief.

sizes        how large what is carried may be, so that little is compiled
programs     what devices are told to do with it
part         which tokens and dimensions it stands for, on the host
host_part    what is carried on the host itself, by the step engine of a CPU without JAX
feed         what calls take beside the cloud
rows         its codes, fetched where they are asked for
observation  the cloud at one step; the step engine of a CPU without JAX gives it too
engine       the drift, moved
"""
