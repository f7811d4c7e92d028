"""What verbs share when they speak with a person.

terminal, progress    lines, tables and bars, on whatever streams there are
values, command_line  numbers read and shown; a spec as the command it came from
files                 files written whole or not at all
token_text, machine   what tokens say; what this machine is
"""
