"""The container image: it is built, and its processes run confined as in production, as far as no engine is needed.

They run with `make proof`, not with `make test`, and are skipped where buildah or debootstrap is missing.
"""
