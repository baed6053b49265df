"""Turn answers into a reply: a wave is advanced when its questions are answered."""
