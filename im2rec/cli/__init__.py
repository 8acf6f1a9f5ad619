"""The command line: click, one module a group of commands; thin."""
