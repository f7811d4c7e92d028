"""Input and output of verbs: terminals, values, files.

terminal, progress    lines, tables and progress bars, on any kind of stream
values, command_line  values of options; a spec as the command that gives it
files                 atomic writes, and tables in Markdown
token_text, machine   texts of tokens; the processor and installed versions
"""
