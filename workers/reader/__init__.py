"""Opens strangers' files in processes of their own, with limits. Only those processes decode or parse such a file."""
