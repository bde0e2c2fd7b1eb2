"""What tests share: each module brings one part of Parley or of its surroundings, and is named for it."""
