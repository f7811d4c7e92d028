"""The command line.

main                         the command, its verbs, and how every one of them ends
options, sources, execution  the options that verbs share; help: how they are shown
and a module for each verb
"""
