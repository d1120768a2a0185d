"""Packages of folders: a wheel of what is pure Python and described statically, else an sdist for a container.

Nothing of a folder is executed on the host. What its backend would put into a wheel is read from its files.
"""
