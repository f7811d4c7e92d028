"""The step engine of accelerators, and of several devices: what can still differ is carried there.

sizes         how large what is carried may be, so that little is compiled
placing       where arrays are, on devices that share the dimensions
programs      what devices are told to do with it
part          which tokens and dimensions it stands for, on the host
host_part     what is carried on the host itself, by the step engine of a CPU without JAX
step_feed     steps, as calls take them, those of the step engine of a CPU with JAX too
carrier_feed  whom rows stand for, as calls take it
rows          its codes, fetched where they are asked for
observation   the cloud at one step; the step engine of a CPU without JAX gives it too
engine        the drift, moved
"""
