"""Accept an inquiry: fields, verification codes, the 24-hour rule, one transaction."""
