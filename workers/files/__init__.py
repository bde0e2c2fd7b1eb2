"""Files that people share: fetched, and turned into content blocks for Claude. bot/store keeps the blocks."""
