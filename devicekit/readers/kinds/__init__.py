"""Kinds of table, one file each: which columns claim it, what they then are, and how rows become a table.

A kind is a module with NAME and TITLE; `claim(view)` says whether the columns can be one, and by which word; `assign`
gives the columns their roles in it; `VALUES` are the roles of which several columns may stand side by side; `build`
makes the table of rows under our names. Other packages announce theirs as `devicekit.kinds`.
"""
