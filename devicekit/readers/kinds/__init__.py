"""Kinds of table, one file each: which columns make one, their roles in it, and how rows become a table.

A kind is a module with NAME and TITLE. `claim(view)` returns whether and why the columns can be one; `assign` gives the
columns their roles; `VALUES` are the roles that several columns may share; `build` makes the table from rows under
devicekit's column names. Other packages register kinds as entry points `devicekit.kinds`.
"""
