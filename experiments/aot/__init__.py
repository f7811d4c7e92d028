"""`python -m drift.experiments.aot`: do kernels round on accelerators that are not there?"""
