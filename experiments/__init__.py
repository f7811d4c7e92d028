"""The command line, figures, reports, studies and benchmarks; imports sim.

cli              the command line: a module for each verb
console, tables  how a terminal is spoken to, and what is printed on it
figures, report  what is drawn, and one HTML page to share
studies, bench   named questions with their pages; how fast it is here
observed, aot    what real checkpoints hold; kernels compiled for devices that are not here
"""
