"""Access and erasure as the law gives them to citizens: the records about one number, and their erasure."""
