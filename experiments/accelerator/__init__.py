"""`make gpu`: is the accelerator that is here right, and how fast is it?

cases  short measurements of steps and records, each result checked
page   the page of what was checked and measured
"""
