"""Files that people share: fetched, opened by `reader`, turned into content blocks. bot/store keeps those."""
